//! The strict reading of a JSON tree, and the trait of whatever can stand in a configuration.

use std::borrow::Cow;

use super::fault::{Faults, Path, nearest};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::Shape;
use super::tree::{Object, Tree};

/// What can stand in a configuration.
pub(crate) trait Field: Sized {
    /// Reads it. `None` after a fault, which has been noted then.
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self>;

    /// What it looks like, for the JSON schema and the reference. Not in the wasm module.
    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape;
}

/// A value at its place.
#[derive(Clone, Copy)]
pub(crate) struct Node<'a> {
    /// Where it stands.
    pub(crate) path: Path<'a>,
    /// What stands there.
    pub(crate) value: &'a Tree<'a>,
}

impl<'a> Node<'a> {
    /// Notes a fault of this value.
    pub(crate) fn refuse<T>(
        &self,
        faults: &mut Faults,
        message: impl Into<Cow<'static, str>>,
    ) -> Option<T> {
        faults.refuse(self.path, message)
    }

    /// Notes that a value of another type is needed.
    pub(crate) fn not<T>(&self, wanted: &str, faults: &mut Faults) -> Option<T> {
        self.is_not(wanted, faults);
        None
    }

    #[cold]
    #[inline(never)]
    fn is_not(&self, wanted: &str, faults: &mut Faults) {
        let found = match self.value {
            Tree::Null => {
                return faults.add(self.path, "is null; leave it out or give it a value");
            }
            Tree::Bool(_) => "a truth value",
            Tree::Number(_) => "a number",
            Tree::Text(_) => "text",
            Tree::List(_) => "a list",
            Tree::Object(_) => "an object",
        };
        faults.add(self.path, format!("must be {wanted}, not {found}"));
    }

    /// The value as text.
    #[inline(never)]
    pub(crate) fn text(&self, faults: &mut Faults) -> Option<&'a str> {
        match self.value {
            Tree::Text(text) => Some(text),
            _ => self.not("text", faults),
        }
    }

    /// The value as an object of any members.
    pub(crate) fn object(&self, faults: &mut Faults) -> Option<&'a Object<'a>> {
        match self.value {
            Tree::Object(members) => Some(members),
            _ => self.not("an object", faults),
        }
    }

    /// The value as an object that has no members but the known ones.
    #[inline(never)]
    pub(crate) fn members(&self, known: &[&str], faults: &mut Faults) -> Option<Members<'a>> {
        let members = self.object(faults)?;
        for key in members
            .iter()
            .map(|(key, _)| key)
            .filter(|key| !known.contains(key))
        {
            let message = match nearest(key, known.iter().copied()) {
                Some(meant) => format!("is unknown; did you mean {meant}?"),
                None => format!("is unknown; known here: {}", known.join(", ")),
            };
            faults.add(self.path.member(key), message);
        }
        Some(Members {
            path: self.path,
            members,
        })
    }

    /// The elements of a list, each read; `None` when one of them is faulty.
    pub(crate) fn elements<T: Field>(&self, faults: &mut Faults) -> Option<Vec<T>> {
        let Tree::List(values) = self.value else {
            return self.not("a list", faults);
        };
        let read: Vec<Option<T>> = values
            .iter()
            .enumerate()
            .map(|(index, value)| {
                T::read(
                    Node {
                        path: Path::Element(&self.path, index),
                        value,
                    },
                    faults,
                )
            })
            .collect();
        read.into_iter().collect()
    }
}

/// The members of an object whose names are all known.
pub(crate) struct Members<'a> {
    path: Path<'a>,
    members: &'a Object<'a>,
}

impl<'a> Members<'a> {
    /// A member that must be there; `why` goes on after "must be set; ".
    pub(crate) fn required<T: Field>(
        &self,
        key: &str,
        why: &str,
        faults: &mut Faults,
    ) -> Option<T> {
        T::read(self.member_or_fault(key, why, faults)?, faults)
    }

    /// A member that may be left out: `Some(None)` then.
    pub(crate) fn optional<T: Field>(&self, key: &str, faults: &mut Faults) -> Option<Option<T>> {
        match self.member(key) {
            Some(node) => T::read(node, faults).map(Some),
            None => Some(None),
        }
    }

    /// A member with a default.
    pub(crate) fn or<T: Field>(
        &self,
        key: &str,
        default: impl FnOnce() -> T,
        faults: &mut Faults,
    ) -> Option<T> {
        match self.member(key) {
            Some(node) => T::read(node, faults),
            None => Some(default()),
        }
    }

    /// A block whose members all have defaults: left out is the same as empty.
    pub(crate) fn block<T: Field>(&self, key: &str, faults: &mut Faults) -> Option<T> {
        let empty = Tree::Object(Object::default());
        let value = self.members.get(key).unwrap_or(&empty);
        let path = self.path.member(key);
        T::read(Node { path, value }, faults)
    }

    #[inline(never)]
    fn member<'b>(&'b self, key: &'b str) -> Option<Node<'b>>
    where
        'a: 'b,
    {
        let value = self.members.get(key)?;
        let path = self.path.member(key);
        Some(Node { path, value })
    }

    #[inline(never)]
    fn member_or_fault<'b>(
        &'b self,
        key: &'b str,
        why: &str,
        faults: &mut Faults,
    ) -> Option<Node<'b>> {
        let found = self.member(key);
        if found.is_none() {
            faults.add(self.path.member(key), format!("must be set; {why}"));
        }
        found
    }
}
