//! Runs the tool.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use expect_test::Expect;

/// One run of the tool in a folder of its own.
pub(crate) struct Tool {
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a run left.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// Standard output, standard error with a mark, and the exit code.
impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.out)?;
        for line in self.err.lines() {
            writeln!(f, "! {line}")?;
        }
        writeln!(f, "-> {}", self.code)
    }
}

impl Tool {
    /// `name`: for people; no two share a folder.
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join("cli")
            .join(format!("{name}-{number}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("the folder can be made");
        Self {
            folder,
            variables: Vec::new(),
        }
    }

    /// Puts a file into the folder.
    pub(crate) fn file(self, name: &str, content: impl AsRef<[u8]>) -> Self {
        fs::write(self.folder.join(name), content).expect("the file can be written");
        self
    }

    /// The content of one of them.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).expect("the file can be read")
    }

    /// Sets a variable of the tool's environment, which has no others.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut child = Command::new(env!("CARGO_BIN_EXE_icegate"))
            .args(arguments)
            .current_dir(&self.folder)
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the tool starts");
        let mut pipe = child.stdin.take().expect("there is a pipe");
        // Whoever does not read it has closed it.
        let _ = pipe.write_all(stdin.as_bytes());
        drop(pipe);
        let output = child.wait_with_output().expect("the tool ends");
        Ran {
            code: output.status.code().expect("the tool ends by itself"),
            out: String::from_utf8(output.stdout).expect("text"),
            err: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// Holds a run against its snapshot.
pub(crate) fn says(ran: &Ran, expected: &Expect) {
    expected.assert_eq(&ran.to_string());
}

/// A file of the repository.
pub(crate) fn repository(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).expect("the file can be read")
}
