//! icegate, the operator's tool: what the gate says of a configuration, and what it would decide on a request.
//!
//! It is made of the same library as the filter and decides nothing by itself. `docs/cli.md` shows what it prints.

#[cfg(target_arch = "wasm32")]
compile_error!("the tool is native; the filter is the library (make wasm)");

mod args;
mod audited;
mod check;
mod exchange;
mod explain;
mod find;
mod hosting;
mod input;
mod loaded;
mod nearest;
mod page;
mod reasons;
mod scalar;
mod show;
mod source;
mod subject;
mod yaml;

use std::io::{self, Write};
use std::process::ExitCode;

use args::{Command, USAGE};

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// No fault; every request would be forwarded.
    Good = 0,
    /// The configuration has faults.
    Faulty = 1,
    /// There is no answer: wrong arguments, a file that cannot be read, a body that is missing.
    Unanswered = 2,
    /// A request would be refused.
    Refused = 3,
}

/// What a run says, and how it ends.
pub(crate) struct Said {
    /// For standard output.
    pub(crate) text: String,
    /// For standard error.
    pub(crate) complaint: String,
    pub(crate) exit: Exit,
}

impl Said {
    pub(crate) fn answer(text: String, exit: Exit) -> Self {
        Self {
            text,
            complaint: String::new(),
            exit,
        }
    }

    /// No answer, and why.
    pub(crate) fn complaint(complaint: impl Into<String>) -> Self {
        Self {
            text: String::new(),
            complaint: complaint.into(),
            exit: Exit::Unanswered,
        }
    }
}

fn main() -> ExitCode {
    let said = match args::read(lexopt::Parser::from_env()) {
        Ok(Command::Help) => Said::answer(USAGE.to_owned(), Exit::Good),
        Ok(Command::Version) => Said::answer(
            format!("icegate {}\n", env!("CARGO_PKG_VERSION")),
            Exit::Good,
        ),
        Ok(Command::Check(check)) => check::run(&check),
        Ok(Command::Explain(explain)) => explain::run(&explain),
        Err(complaint) => Said::complaint(format!("{complaint}\nTry 'icegate --help'.")),
    };
    // Whoever closes the pipe early has seen enough.
    let _ = io::stdout().write_all(said.text.as_bytes());
    if !said.complaint.is_empty() {
        let _ = writeln!(io::stderr(), "icegate: {}", said.complaint);
    }
    ExitCode::from(said.exit as u8)
}
