//! One trait, many engines: whoever decides must say the same, byte for byte.

use std::path::PathBuf;
use std::process::Command;

use serde_json::value::RawValue;
use sod_core::Program;
use sod_host::{Policy, Request, Runtime};
use sod_tests::core_request;
pub(crate) use sod_tests::packs::{compile, open, packs, sod, tested_packs};
pub(crate) use sod_tests::root;

/// Something that decides requests of one pack.
pub(crate) trait Engine {
    fn name(&self) -> &'static str;
    /// The verdict as JSON, or the message of a fault.
    fn decide(&self, request: &[u8]) -> Result<String, String>;
}

/// The core, as a library of this process.
pub(crate) struct Core(pub(crate) Program);

/// The component in the runtime.
pub(crate) struct Component(pub(crate) Policy);

/// The command, on the component's file.
pub(crate) struct Cli {
    component: PathBuf,
    folder: PathBuf,
}

impl Engine for Core {
    fn name(&self) -> &'static str {
        "core"
    }

    fn decide(&self, request: &[u8]) -> Result<String, String> {
        let request = Request::from_json(request).map_err(|e| e.to_string())?;
        let verdict = self
            .0
            .decide(&core_request(&request))
            .map_err(|f| f.message)?;
        Ok(serde_json::to_string(&verdict).unwrap())
    }
}

impl Engine for Component {
    fn name(&self) -> &'static str {
        "component"
    }

    fn decide(&self, request: &[u8]) -> Result<String, String> {
        let request = Request::from_json(request).map_err(|e| e.to_string())?;
        let verdict = self.0.try_decide(&request).map_err(|e| e.to_string())?;
        Ok(serde_json::to_string(&verdict).unwrap())
    }
}

impl Cli {
    pub(crate) fn new(folder: PathBuf, component: &[u8]) -> Self {
        let file = folder.join("pack.wasm");
        std::fs::write(&file, component).unwrap();
        Cli {
            component: file,
            folder,
        }
    }
}

impl Engine for Cli {
    fn name(&self) -> &'static str {
        "command"
    }

    fn decide(&self, request: &[u8]) -> Result<String, String> {
        let file = self.folder.join("request.json");
        std::fs::write(&file, request).unwrap();
        let output = Command::new(sod())
            .args(["decide", "--format", "json", "--request"])
            .args([&file, &self.component])
            .output()
            .unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        match output.status.code() {
            Some(0 | 2) => {
                let verdict: Box<RawValue> = serde_json::from_str(&stdout).unwrap();
                Ok(compact(verdict.get()))
            }
            code => Err(format!(
                "{code:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }
}

/// JSON without the white space between its tokens, keys in the order that they have.
fn compact(json: &str) -> String {
    let mut in_string = false;
    let mut escaped = false;
    json.chars()
        .filter(|c| {
            let keep = in_string || !c.is_whitespace();
            if *c == '"' && !escaped {
                in_string = !in_string;
            }
            escaped = in_string && *c == '\\' && !escaped;
            keep
        })
        .collect()
}

pub(crate) fn runtime() -> Runtime {
    Runtime::new().unwrap()
}
