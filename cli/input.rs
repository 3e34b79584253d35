//! What comes from outside: files and standard input, bounded.

use std::fs::File;
use std::io::{self, Read};

/// Longest file that is read. A configuration of a thousand tenants has some 5 MB.
const INPUT_BYTES: u64 = 64 * 1024 * 1024;

/// The bytes of a file, or of standard input when it is named `-`.
pub(crate) fn file_or_stdin(name: &str) -> io::Result<Vec<u8>> {
    match name {
        "-" => all(io::stdin().lock()),
        name => all(File::open(name)?),
    }
}

fn all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(INPUT_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= INPUT_BYTES => Ok(bytes),
        _ => Err(io::Error::other("it is too large")),
    }
}
