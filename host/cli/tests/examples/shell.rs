//! One shell for all commands of a page: its variables and background processes go from one to the next.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::transcript::{commands, fits};

/// Ends what a command prints; nothing prints it by chance.
const END: &str = "--- the command has ended ---";

pub(crate) struct Shell {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// Of the command before.
    code: i32,
}

impl Shell {
    pub(crate) fn new(folder: &Path) -> Self {
        let sod = Path::new(env!("CARGO_BIN_EXE_sod")).parent().unwrap();
        let rest = std::env::var("PATH").unwrap();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache");
        let mut process = Command::new("sh")
            .current_dir(folder)
            // Beside the program are those of the examples in Rust.
            .env("PATH", format!("{0}:{0}/examples:{rest}", sod.display()))
            .env("XDG_CACHE_HOME", cache)
            // A group of its own, to be killed whole.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut shell = Shell {
            process,
            input,
            output,
            code: 0,
        };
        shell.run("exec 2>&1");
        shell
    }

    /// What the command prints, on whichever stream, as a terminal shows it.
    fn run(&mut self, command: &str) -> String {
        let code = self.code;
        // The command's own input is not the shell's.
        let script =
            format!("(exit {code})\n{{ {command}\n}} < /dev/null\nprintf '\\n{END} %d\\n' $?\n");
        self.input.write_all(script.as_bytes()).unwrap();
        let mut printed = String::new();
        loop {
            let mut line = String::new();
            let length = self.output.read_line(&mut line).unwrap();
            assert_ne!(length, 0, "$ {command}\n{printed}---- the shell has ended");
            if let Some(code) = line.strip_prefix(END) {
                self.code = code.trim().parse().unwrap();
                return printed;
            }
            printed.push_str(&line);
        }
    }

    /// Runs the commands of a block, and says how many there are.
    pub(crate) fn follow(&mut self, transcript: &str) -> usize {
        let commands = commands(transcript);
        let mut rest = commands.iter().peekable();
        while let Some((line, shown)) = rest.next() {
            let printed = self.run(line);
            assert!(
                fits(shown.trim_end(), printed.trim_end()),
                "$ {line}\n{printed}---- the page shows\n{shown}"
            );
            let asked = rest.peek().is_some_and(|(line, _)| line == "echo $?");
            let code = self.code;
            assert!(code == 0 || asked, "$ {line}\n{printed}exit code {code}");
        }
        commands.len()
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        // A negative number is a process group. There is nobody to tell if it is gone already.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-9", "--", &group]).status();
        let _ = self.process.wait();
    }
}
