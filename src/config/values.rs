//! The general kinds of values: text, counts, lists, maps by name.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::rc::Rc;

#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;

use super::fault::{Faults, Path};
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::tree::Tree;

/// Why a text is refused. Never holds the text.
pub(crate) type Wrong = Cow<'static, str>;

/// A value that is written as text.
pub(crate) trait Text: Sized {
    /// Reads it, or says what it must be.
    fn parse(text: &str) -> Result<Self, Wrong>;

    /// What it looks like. Not compiled into the wasm module.
    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape;
}

impl<T: Text> Field for T {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match T::parse(node.text(faults)?) {
            Ok(value) => Some(value),
            Err(wrong) => node.refuse(faults, wrong),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::text_shape()
    }
}

/// Any text.
impl Text for String {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("text", None)
    }
}

/// Yes or no.
impl Field for bool {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Bool(value) => Some(*value),
            _ => node.not("true or false", faults),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::truth()
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for bool {
    fn show(&self) -> Value {
        Value::from(*self)
    }
}

/// A whole number between two bounds. Envoy hands every number of a Struct on as floating point:
/// `1.0` is 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count<const MIN: usize, const MAX: usize>(pub(crate) usize);

impl<const MIN: usize, const MAX: usize> From<usize> for Count<MIN, MAX> {
    fn from(count: usize) -> Self {
        Self(count)
    }
}

impl<const MIN: usize, const MAX: usize> Field for Count<MIN, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        whole_number(node, MIN, MAX, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::count(MIN, MAX)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<const MIN: usize, const MAX: usize> Show for Count<MIN, MAX> {
    fn show(&self) -> Value {
        Value::from(self.0)
    }
}

#[inline(never)]
fn whole_number(node: Node<'_>, min: usize, max: usize, faults: &mut Faults) -> Option<usize> {
    let Tree::Number(number) = node.value else {
        return node.not("a whole number", faults);
    };
    match number {
        Some(number) if (min..=max).contains(number) => Some(*number),
        _ => node.refuse(
            faults,
            format!("must be a whole number between {min} and {max}"),
        ),
    }
}

/// What a list may hold.
pub(crate) trait Listed: Field + PartialEq {
    /// What is wrong with a list of none.
    const NONE: &'static str;
}

/// A list of at least one, all different.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T: Listed> Field for List<T> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let elements = node.elements::<T>(faults)?;
        if elements.is_empty() {
            return node.refuse(faults, T::NONE);
        }
        distinct(&node, elements, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().listed()
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<T: Show> Show for List<T> {
    fn show(&self) -> Value {
        Value::Array(self.0.iter().map(Show::show).collect())
    }
}

/// One text, or a list of at least one, all different.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMore<T>(pub(crate) Vec<T>);

impl<T: Text + PartialEq> Field for OneOrMore<T> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Text(_) => T::read(node, faults).map(|one| Self(vec![one])),
            Tree::List(elements) if elements.is_empty() => {
                node.refuse(faults, "must not be an empty list")
            }
            Tree::List(_) => {
                let elements = node.elements::<T>(faults)?;
                distinct(&node, elements, faults).map(Self)
            }
            _ => node.not("text or a list", faults),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().one_or_more()
    }
}

/// A list of at least one and at most so many; `None` where one is faulty.
#[derive(Debug)]
pub(crate) struct Many<T, const MAX: usize = 256>(pub(crate) Vec<Option<T>>);

impl<T: Field, const MAX: usize> Field for Many<T, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        Some(Self(
            list(&node, MAX, faults)?
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let path = Path::Element(&node.path, index);
                    T::read(Node { path, value }, faults)
                })
                .collect(),
        ))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().many()
    }
}

/// The same, read one by one when what they are checked against is known: tens of thousands need not lie in memory
/// together. This holds none of them.
#[derive(Debug)]
pub(crate) struct Unread<T, const MAX: usize>(PhantomData<T>);

impl<T: Field, const MAX: usize> Field for Unread<T, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        list(&node, MAX, faults).map(|_| Self(PhantomData))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().many()
    }
}

/// The elements of a list of at least one and at most so many.
#[inline(never)]
pub(crate) fn list<'a>(
    node: &Node<'a>,
    most: usize,
    faults: &mut Faults,
) -> Option<&'a [Tree<'a>]> {
    let Tree::List(values) = node.value else {
        return node.not("a list", faults);
    };
    if values.is_empty() || values.len() > most {
        return node.refuse(faults, format!("must hold 1 to {most}"));
    }
    Some(values)
}

/// The elements, unless one of them stands there twice.
fn distinct<T: PartialEq>(
    node: &Node<'_>,
    elements: Vec<T>,
    faults: &mut Faults,
) -> Option<Vec<T>> {
    let twice = elements
        .iter()
        .enumerate()
        .any(|(index, element)| elements.iter().take(index).any(|e| e == element));
    if twice {
        node.refuse(faults, "holds the same twice")
    } else {
        Some(elements)
    }
}

/// Most entries of a map by name: each costs metrics, and issuers cost background fetches.
pub(crate) const NAMED_MAX: usize = 64;

/// Things by name, in the order of their names; `None` where one is faulty.
#[derive(Debug)]
pub(crate) struct Named<T, const MAX: usize = NAMED_MAX>(pub(crate) Vec<(Rc<str>, Option<T>)>);

impl<T: Field, const MAX: usize> Field for Named<T, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let members = node.object(faults)?;
        if members.len() == 0 {
            faults.add(node.path, "must hold at least one");
        }
        if members.len() > MAX {
            return node.refuse(faults, format!("must hold at most {MAX}"));
        }
        let mut named: Vec<(Rc<str>, Option<T>)> = Vec::with_capacity(members.len());
        for (name, value) in members.iter() {
            let path = node.path.member(name);
            if !is_name(name) {
                faults.add(
                    path,
                    "is no name: it stands in metrics and messages, \
                     so it must be 1 to 63 of a-z, 0-9, _ and -",
                );
            }
            named.push((name.into(), T::read(Node { path, value }, faults)));
        }
        Some(Self(named))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().named(MAX)
    }
}

/// Whether this can be a metric's label.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=63).contains(&text.len()) && text.bytes().all(allowed)
}
