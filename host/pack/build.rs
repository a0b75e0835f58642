//! Builds the engines for Wasm, to be embedded: `cargo build` of a clone is all that anybody needs to run.
//!
//! A cargo inside cargo, with a profile and a target of its own in the same target directory: the locks are
//! different ones, so neither waits for the other. The bytes depend on the sources, the lock file and the
//! toolchain only: every path of this machine is mapped to a fixed name, and no flag of the outer build leaks in.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest, Sha256};

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "engine";

/// A package that is an engine, what its file is called, what it is called in here, and where its digest goes.
struct Engine {
    package: &'static str,
    library: &'static str,
    embedded: &'static str,
    digest: &'static str,
}

const ENGINES: [Engine; 2] = [
    Engine {
        package: "sod-guest",
        library: "sod_guest.wasm",
        embedded: "engine.wasm",
        digest: "SOD_ENGINE_SHA256",
    },
    Engine {
        package: "sod-proxy-wasm",
        library: "sod_proxy_wasm.wasm",
        embedded: "proxy-engine.wasm",
        digest: "SOD_PROXY_ENGINE_SHA256",
    },
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: the engine was not built: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<()> {
    let workspace = folder("CARGO_MANIFEST_DIR")?.join("../..");
    let workspace = real(&workspace)?;
    let out = folder("OUT_DIR")?;
    // All that the engines are made of; cargo looks into the folders.
    for path in [
        "guest",
        "wit",
        "policies/base.cedarschema",
        "Cargo.toml",
        "Cargo.lock",
    ] {
        println!("cargo::rerun-if-changed={}", workspace.join(path).display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    ensure_target()?;
    let target_dir = target_dir(&out)?;
    run_cargo(&workspace, &target_dir)?;
    for engine in &ENGINES {
        let library = target_dir.join(TARGET).join(PROFILE).join(engine.library);
        let bytes = std::fs::read(&library).with_context(|| library.display().to_string())?;
        println!("cargo::rustc-env={}={}", engine.digest, sha256(&bytes));
        let embedded = out.join(engine.embedded);
        std::fs::write(&embedded, bytes).with_context(|| embedded.display().to_string())?;
    }
    Ok(())
}

/// As everywhere in sod: `sha256:` and 64 hex digits. Known from here on, so that no run has to hash an engine.
fn sha256(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// The folder that cargo marked as its target directory; by its layout, if it was there before cargo was.
fn target_dir(out: &Path) -> Result<PathBuf> {
    let marked = |folder: &&Path| folder.join("CACHEDIR.TAG").is_file();
    let by_layout = || out.ancestors().nth(4);
    let found = out.ancestors().find(marked).or_else(by_layout);
    found
        .map(Path::to_path_buf)
        .with_context(|| format!("{} is not inside a target directory", out.display()))
}

/// The compiler's library for Wasm, through rustup if it is not there.
fn ensure_target() -> Result<()> {
    if has_target() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["target", "add", TARGET])
        .status();
    if added.is_ok_and(|status| status.success()) && has_target() {
        return Ok(());
    }
    let toolchain = env::var("RUSTUP_TOOLCHAIN").map(|name| format!(" --toolchain {name}"));
    let toolchain = toolchain.unwrap_or_default();
    bail!(
        "this compiler has no library for {TARGET}\nhelp: run `rustup target add{toolchain} {TARGET}`"
    )
}

fn has_target() -> bool {
    let libdir = rustc(&["--print", "target-libdir", "--target", TARGET]);
    libdir.is_ok_and(|path| Path::new(path.trim()).is_dir())
}

fn run_cargo(workspace: &Path, target_dir: &Path) -> Result<()> {
    let mut cargo = Command::new(cargo()?);
    cargo
        .current_dir(workspace)
        .args(["build", "--target", TARGET, "--profile", PROFILE])
        .args(
            ENGINES
                .iter()
                .flat_map(|engine| ["--package", engine.package]),
        )
        .arg("--target-dir")
        .arg(target_dir);
    if workspace.join("Cargo.lock").is_file() {
        cargo.arg("--locked");
    }
    for (name, _) in env::vars_os().filter(|(name, _)| leaks(&name.to_string_lossy())) {
        cargo.env_remove(name);
    }
    cargo.env(
        "CARGO_ENCODED_RUSTFLAGS",
        remap(workspace, target_dir)?.join("\x1f"),
    );
    let status = cargo.status().context("cargo cannot be run")?;
    ensure!(status.success(), "cargo failed for the engines, see above");
    Ok(())
}

/// The compiler's own cargo: what an artifact is called, and so its bytes, depends on the version of cargo too.
fn cargo() -> Result<PathBuf> {
    let beside = sysroot()?
        .join("bin")
        .join(format!("cargo{}", env::consts::EXE_SUFFIX));
    let running = || env::var_os("CARGO").map(PathBuf::from);
    match beside.is_file() {
        true => Ok(beside),
        false => Ok(running().unwrap_or_else(|| PathBuf::from("cargo"))),
    }
}

fn sysroot() -> Result<PathBuf> {
    Ok(PathBuf::from(rustc(&["--print", "sysroot"])?.trim()))
}

/// What the outer cargo and its caller set for their own build. Where to download from stays, and the job server.
fn leaks(name: &str) -> bool {
    let stays = [
        "CARGO",
        "CARGO_HOME",
        "CARGO_MAKEFLAGS",
        "RUSTC",
        "RUSTUP_HOME",
        "RUSTUP_TOOLCHAIN",
    ];
    let network = [
        "CARGO_NET_",
        "CARGO_HTTP_",
        "CARGO_REGISTRIES_",
        "CARGO_REGISTRY_",
        "CARGO_SOURCE_",
    ];
    let ours = ["CARGO", "RUSTC", "RUSTFLAGS", "RUSTDOC", "CFLAGS"];
    ours.iter().any(|prefix| name.starts_with(prefix))
        && !stays.contains(&name)
        && !network.iter().any(|prefix| name.starts_with(prefix))
}

/// One flag for each folder of this machine that a panic message could name. The last one that fits wins.
fn remap(workspace: &Path, target_dir: &Path) -> Result<Vec<String>> {
    let sysroot = sysroot()?;
    let version = rustc(&["--version", "--verbose"])?;
    let commit = version
        .lines()
        .find_map(|line| line.strip_prefix("commit-hash: "))
        .unwrap_or("unknown");
    let home = cargo_home();
    let mut folders = vec![
        (home.clone(), "/cargo".to_owned()),
        (sysroot.clone(), "/rust".to_owned()),
        // Where the library says it was built, whether or not its sources are installed.
        (
            sysroot.join("lib/rustlib/src/rust"),
            format!("/rustc/{commit}"),
        ),
        (workspace.to_path_buf(), "/sod".to_owned()),
        // Generated sources lie here, inside of the workspace or not.
        (target_dir.to_path_buf(), "/target".to_owned()),
    ];
    // The name of a registry's folder depends on where crates are downloaded from.
    let registries = std::fs::read_dir(home.join("registry/src"));
    for registry in registries.into_iter().flatten().flatten() {
        folders.push((registry.path(), "/crates".to_owned()));
    }
    let flag =
        |(from, to): &(PathBuf, String)| format!("--remap-path-prefix={}={to}", from.display());
    Ok(folders.iter().map(flag).collect())
}

fn cargo_home() -> PathBuf {
    let home = || env::var_os("HOME").or_else(|| env::var_os("USERPROFILE"));
    let default = || PathBuf::from(home().unwrap_or_default()).join(".cargo");
    env::var_os("CARGO_HOME").map_or_else(default, PathBuf::from)
}

fn rustc(arguments: &[&str]) -> Result<String> {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let output = Command::new(&rustc)
        .args(arguments)
        .output()
        .with_context(|| format!("{} cannot be run", rustc.display()))?;
    ensure!(
        output.status.success(),
        "rustc {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn folder(variable: &str) -> Result<PathBuf> {
    let folder = env::var_os(variable).map(PathBuf::from);
    folder.with_context(|| format!("{variable} is not set: this runs inside cargo"))
}

fn real(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| path.display().to_string())
}
