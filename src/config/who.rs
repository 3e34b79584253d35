//! Conditions on callers, as they are written: one, or a list.

use super::fault::{Faults, Path};
use super::file::WhoBlock;
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::Shape;
use super::tree::Tree;

/// One condition, or a list of which one must hold. `None` where one is faulty.
#[derive(Debug)]
pub(crate) struct OneOrMoreWho {
    pub(crate) conditions: Vec<Option<WhoBlock>>,
    listed: bool,
}

impl OneOrMoreWho {
    /// The place of the condition at `index` of those that stand at `path`.
    pub(crate) fn place<'a>(&self, path: &'a Path<'a>, index: usize) -> Path<'a> {
        match self.listed {
            true => Path::Element(path, index),
            false => *path,
        }
    }
}

impl Field for OneOrMoreWho {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::List(conditions) if conditions.is_empty() => {
                node.refuse(faults, "must not be an empty list")
            }
            Tree::List(conditions) => Some(Self {
                conditions: conditions
                    .iter()
                    .enumerate()
                    .map(|(index, value)| {
                        let path = Path::Element(&node.path, index);
                        WhoBlock::read(Node { path, value }, faults)
                    })
                    .collect(),
                listed: true,
            }),
            _ => Some(Self {
                conditions: vec![WhoBlock::read(node, faults)],
                listed: false,
            }),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        WhoBlock::shape().one_or_many()
    }
}

/// Whose a grant is.
#[derive(Debug)]
pub(crate) enum GrantWho {
    /// All of the tenant's people.
    All,
    /// Those of whom one of these holds.
    Some(OneOrMoreWho),
}

impl Field for GrantWho {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Text(text) if text == "all" => Some(Self::All),
            Tree::Text(_) => node.refuse(faults, "must be all, a condition, or a list of them"),
            _ => OneOrMoreWho::read(node, faults).map(Self::Some),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::word_or("all", OneOrMoreWho::shape())
    }
}
