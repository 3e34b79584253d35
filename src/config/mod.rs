//! What the operator decided: read once, checked whole, never changed afterwards.
//!
//! `file` declares the blocks as they are written, each once (`block!`); `check` holds what one
//! field says about another; `model` is what the rest of the gate sees.

mod at;
mod block;
mod check;
mod fault;
mod file;
pub mod model;
mod node;
mod parts;
mod proto_struct;
#[cfg(not(target_arch = "wasm32"))]
mod reference;
#[cfg(not(target_arch = "wasm32"))]
mod shape;
mod span;
mod texts;
mod tree;
mod values;
mod who;
mod words;

pub use fault::{Fault, Faults};
pub use model::*;
#[cfg(not(target_arch = "wasm32"))]
pub use reference::{reference, schema, smallest};

use std::borrow::Cow;

use fault::Path;
use node::{Field, Node};
use tree::{Tree, TreeFault};

use crate::json::scan::Scanner;
use crate::limits;

/// Reads and checks a configuration. `env` reads a variable of the VM's environment.
///
/// The bytes are what Envoy hands on: the message of a `google.protobuf.Struct`, or a JSON object, or
/// JSON text that holds the text of that object (`google.protobuf.StringValue`, and hosts that turn a
/// Struct into JSON).
///
/// # Errors
/// *All* faults, in the order of their paths. They hold no secret, and no text of any value.
pub fn load(bytes: &[u8], env: &dyn Fn(&str) -> Option<String>) -> Result<Config, Faults> {
    let mut faults = Faults::default();
    let text = text_in(bytes);
    let tree = match &text {
        Some(text) => tree::parse(text.as_bytes()),
        None => of_bytes(bytes),
    };
    let tree = match tree {
        Ok(tree) => tree,
        Err(fault) => {
            let shape = "it must be a Struct, or a StringValue that holds JSON";
            let message = if bytes.first() == Some(&proto_struct::FIRST_BYTE) {
                format!(
                    "is neither JSON nor a Struct that can be read; {shape}, with numbers that JSON has, \
                     each name once, and at most {} levels deep",
                    limits::JSON_DEPTH
                )
            } else {
                format!("{fault}; {shape}")
            };
            faults.add(Path::Whole, message);
            return Err(faults);
        }
    };
    let root = Node {
        path: Path::Whole,
        value: &tree,
    };
    let config = match (file::File::read(root, &mut faults), &tree) {
        (Some(file), Tree::Object(root)) => check::config(file, root, bytes, env, &mut faults),
        _ => None,
    };
    match config {
        Some(config) if faults.is_empty() => Ok(config),
        _ => Err(faults.finished()),
    }
}

/// The text that was handed on, if it was text. It is looked into once.
fn text_in(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let mut scanner = Scanner::new(bytes).ok()?;
    let text = scanner.string().ok()??;
    scanner.end().ok().map(|()| text)
}

/// The configuration as a tree. No Struct is JSON too: its first byte is the tag of its first member, a line feed, and
/// then comes a length, where JSON has a `{`.
fn of_bytes(bytes: &[u8]) -> Result<Tree<'_>, TreeFault> {
    tree::parse(bytes).or_else(|fault| proto_struct::parse(bytes).ok_or(fault))
}
