//! The hosts, as commands that take a component and read requests.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use sod_tests::root;

/// A host in another language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Host {
    Node,
    Python,
}

/// All of them.
pub(crate) const HOSTS: [Host; 2] = [Host::Node, Host::Python];

impl Host {
    /// `sod-policy`, the host's own command.
    pub(crate) fn command(self) -> Command {
        match self {
            Host::Node => self.script("bin/sod-policy.js"),
            Host::Python => {
                let mut command = self.interpreter();
                command.args(["-m", "sod_policy"]);
                command
            }
        }
    }

    /// A script of the host's package.
    pub(crate) fn script(self, path: &str) -> Command {
        let mut command = self.interpreter();
        command.arg(self.package().join(path));
        command
    }

    /// What runs the host, in the host's package.
    pub(crate) fn interpreter(self) -> Command {
        let mut command = match self {
            Host::Node => {
                node();
                Command::new("node")
            }
            Host::Python => {
                let mut command = Command::new(python());
                command.env("PYTHONPATH", self.package());
                command
            }
        };
        command.current_dir(self.package());
        command
    }

    /// The folder of the host's package.
    pub(crate) fn package(self) -> PathBuf {
        root().join(match self {
            Host::Node => "host/js",
            Host::Python => "host/python",
        })
    }

    /// What the host says to each of the requests.
    pub(crate) fn decide(self, component: &Path, requests: &Path) -> Vec<String> {
        let mut command = self.command();
        command.arg("decide").arg(component);
        if self == Host::Python {
            // Compiled once for all runs of these tests.
            command
                .arg("--cache")
                .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
        }
        let output = command
            .stdin(File::open(requests).unwrap())
            .output()
            .unwrap();
        lines(&output, &[0, 1, 2])
    }
}

/// What a command printed; it must have ended with one of these exit codes.
pub(crate) fn lines(output: &Output, codes: &[i32]) -> Vec<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap_or(-1);
    assert!(codes.contains(&code), "exit code {code}: {errors}");
    let printed = std::str::from_utf8(&output.stdout).unwrap();
    printed.lines().map(str::to_owned).collect()
}

fn node() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| install("tests/node/install"))
}

fn python() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| install("tests/python/install"))
}

pub(crate) fn install(script: &str) -> PathBuf {
    // target/debug/deps/hosts-...
    let target = std::env::current_exe().unwrap();
    let target = target.ancestors().nth(3).unwrap();
    let output = Command::new(root().join(script))
        .arg(target)
        .output()
        .unwrap();
    PathBuf::from(lines(&output, &[0]).pop().unwrap())
}
