//! Runs `sod`, with a cache of its own, and makes the files that it is run on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

/// The top of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// A shipped pack.
pub(crate) fn shipped(pack: &str) -> PathBuf {
    repository().join("policies").join(pack)
}

/// A command with these arguments, in the top folder, with nothing of the environment that bears on it.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sod"));
    command
        .args(arguments)
        .current_dir(repository())
        .env(
            "XDG_CACHE_HOME",
            Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache"),
        )
        .env_remove("SOURCE_DATE_EPOCH")
        .stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Ended {
    Ended::of(command(arguments).output().unwrap())
}

/// How a run ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        Ended {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Fails with all that there is to know.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        let Ended { stdout, stderr, .. } = &self;
        assert_eq!(self.code, code, "\nstdout: {stdout}\nstderr: {stderr}");
        assert!(!stderr.contains("panicked"), "{stderr}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// The denied request of the README.
pub(crate) fn denied() -> Value {
    let text = fs::read(shipped("protected-deploy").join("example.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// The same with a signer who wrote none of it.
pub(crate) fn allowed() -> Value {
    let mut request = denied();
    let signer = request.pointer_mut("/evidence/deployments/0/approvals/items/1/account");
    *signer.unwrap() = "github:hugo-meyer".into();
    request
}

/// The component of `protected-deploy`, built once.
pub(crate) fn component() -> &'static str {
    static BUILT: OnceLock<String> = OnceLock::new();
    BUILT.get_or_init(|| {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("protected-deploy.wasm");
        let file = file.to_str().unwrap().to_owned();
        run(&[
            "build",
            "policies/protected-deploy",
            "-o",
            &file,
            "--revision",
            "test",
        ])
        .expect(0);
        file
    })
}

/// A folder with files in it.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(TempDir::new().unwrap())
    }

    /// The path of a file that need not be there.
    pub(crate) fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, contents).unwrap();
        self.path(name)
    }

    pub(crate) fn json(&self, name: &str, value: &Value) -> String {
        self.write(name, value.to_string())
    }

    /// A small pack of plain Cedar: bob may read, and nobody may read secrets.
    pub(crate) fn pack(&self) -> String {
        self.write(
            "pack/pack.toml",
            "name = \"small\"\nversion = \"1.2.3\"\nmode = \"cedar\"\n",
        );
        self.write(
            "pack/schema.cedarschema",
            "entity User;\nentity Page = { secret: Bool };\naction read appliesTo { principal: User, resource: Page };\n",
        );
        self.write(
            "pack/rules/read.cedar",
            concat!(
                "@id(\"bob-reads\")\n@reason(\"bob reads\")\n",
                "permit (principal == User::\"bob\", action == Action::\"read\", resource);\n",
                "@id(\"secrets-stay\")\n@reason(\"secrets stay\")\n",
                "forbid (principal, action == Action::\"read\", resource) when { resource.secret };\n"
            ),
        );
        self.write(
            "pack/cases/allow/open.json",
            small_case(false, r#"["permit:bob-reads"]"#),
        );
        self.write(
            "pack/cases/deny/secret.json",
            small_case(true, r#"["forbid:secrets-stay"]"#),
        );
        self.path("pack")
    }
}

pub(crate) fn small_case(secret: bool, reasons: &str) -> String {
    let request = small_request(secret);
    format!(
        r#"{{"description": "a case", "request": {request}, "expect": {{"reasons": {reasons}}}}}"#
    )
}

pub(crate) fn small_request(secret: bool) -> Value {
    serde_json::json!({
        "principal": "User::\"bob\"",
        "action": "read",
        "resource": "Page::\"p\"",
        "entities": [{"uid": {"type": "Page", "id": "p"}, "attrs": {"secret": secret}, "parents": []}],
        "context": {},
    })
}
