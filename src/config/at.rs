//! Places, as they are written: warehouses within a tenant's reach, and what a grant speaks of.

use std::rc::Rc;

use super::fault::{Faults, Path};
use super::model::{LevelPattern, ObjectPattern, Pattern};
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::Shape;
use super::texts::WarehouseName;
use super::tree::Tree;
use super::values::{Many, Named, Text, Wrong};
use crate::iceberg::{Noun, StorageLocation};

/// A warehouse within a tenant's reach.
#[derive(Debug)]
pub(crate) enum ReachEntry {
    /// As its kind of catalog names it.
    Name(WarehouseName),
    /// With its prefix, when that is known.
    Pair {
        warehouse: WarehouseName,
        prefix: Option<String>,
    },
}

impl ReachEntry {
    /// The name by which `at` and messages know it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Name(name)
            | Self::Pair {
                warehouse: name, ..
            } => &name.0,
        }
    }
}

impl Field for ReachEntry {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let Tree::Object(_) = node.value else {
            return WarehouseName::read(node, faults).map(Self::Name);
        };
        let members = node.members(&["warehouse", "prefix"], faults)?;
        let warehouse = members.required("warehouse", "it is what clients ask for", faults);
        let prefix = members.optional::<String>("prefix", faults);
        Some(Self::Pair {
            warehouse: warehouse?,
            prefix: prefix?,
        })
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::reach()
    }
}

/// Where a tenant's files may lie.
#[derive(Debug)]
pub(crate) enum Locations {
    /// Wherever the catalog lets them.
    CatalogDecides,
    /// In these places; `None` where one is faulty.
    In(Vec<Option<StorageLocation>>),
}

impl Field for Locations {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::Text(text) if text == "catalog_decides" => Some(Self::CatalogDecides),
            Tree::Text(_) => Some(Self::In(vec![StorageLocation::read(node, faults)])),
            _ => Many::<StorageLocation, 256>::read(node, faults).map(|many| Self::In(many.0)),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::word_or("catalog_decides", StorageLocation::shape().one_or_many())
    }
}

impl Text for StorageLocation {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Self::parse(text).map_err(|fault| fault.to_string().into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("storage location", Some("^[a-z][a-z0-9]*:/.*$"))
    }
}

/// Where a grant holds: by catalog.
#[derive(Debug)]
pub(crate) struct AtBlock(pub(crate) Named<AtCatalog>);

/// Places of one warehouse.
type Places = Many<Rc<Pattern>>;

/// Where a grant holds at one catalog.
#[derive(Debug)]
pub(crate) enum AtCatalog {
    /// In these warehouses, everywhere.
    Warehouses(Vec<Option<WarehouseName>>),
    /// At these places of each warehouse; `None` where one is faulty.
    Places(Vec<(Rc<str>, Option<Places>)>),
}

impl Field for AtBlock {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        Named::read(node, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::at()
    }
}

impl Field for AtCatalog {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Tree::List(_) => {
                Many::<WarehouseName, 256>::read(node, faults).map(|many| Self::Warehouses(many.0))
            }
            Tree::Object(members) if members.len() > 0 => Some(Self::Places(
                members
                    .iter()
                    .map(|(warehouse, value)| {
                        let path = node.path.member(warehouse);
                        (warehouse.into(), Many::read(Node { path, value }, faults))
                    })
                    .collect(),
            )),
            Tree::Object(_) => node.refuse(faults, "must hold at least one"),
            _ => node.not("a list of warehouses, or places by warehouse", faults),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::at()
    }
}

/// Shared: a grant for several conditions has a rule for each.
impl Field for Rc<Pattern> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let Tree::Object(_) = node.value else {
            let (levels, subtree) = levels(node, faults)?;
            return Some(Rc::new(Pattern {
                levels,
                subtree,
                object: None,
            }));
        };
        let members = node.members(&["namespace", "table", "view"], faults)?;
        let namespace = members.required::<Levels>("namespace", "an object lies in one", faults);
        let table = members.optional::<ObjectName>("table", faults);
        let view = members.optional::<ObjectName>("view", faults);
        let Levels(levels, subtree) = namespace?;
        let object = match (table?, view?) {
            (Some(ObjectName(name)), None) => (Noun::Table, name),
            (None, Some(ObjectName(name))) => (Noun::View, name),
            _ => return node.refuse(faults, "must name one table or one view"),
        };
        Some(Rc::new(Pattern {
            levels,
            subtree,
            object: Some(object),
        }))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::at()
    }
}

struct Levels(Box<[LevelPattern]>, bool);

impl Field for Levels {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        levels(node, faults).map(|(levels, subtree)| Self(levels, subtree))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::at()
    }
}

struct ObjectName(ObjectPattern);

impl Text for ObjectName {
    fn parse(text: &str) -> Result<Self, Wrong> {
        match text {
            "*" => Ok(Self(ObjectPattern::Any)),
            "" => Err("must be a name, or \"*\" for any".into()),
            _ => Ok(Self(ObjectPattern::Exactly(text.into()))),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("name", None)
    }
}

/// The levels of a namespace, and whether everything below it is meant too.
fn levels(node: Node<'_>, faults: &mut Faults) -> Option<(Box<[LevelPattern]>, bool)> {
    let Tree::List(values) = node.value else {
        return node.not("a list of the levels of a namespace", faults);
    };
    let mut levels = Vec::with_capacity(values.len());
    let mut subtree = false;
    for (index, value) in values.iter().enumerate() {
        let path = Path::Element(&node.path, index);
        match value {
            _ if subtree => {
                return faults.refuse(path, "stands behind \"**\", which is the end");
            }
            Tree::Text(text) if text == "**" => subtree = true,
            Tree::Text(text) if text == "*" => levels.push(LevelPattern::Any),
            Tree::Text(text) if text.is_empty() || text.contains('*') => {
                return faults.refuse(
                    path,
                    "must be the whole name of one level, \"*\" for any, or \"**\" at the end",
                );
            }
            Tree::Text(text) => levels.push(LevelPattern::Exactly((**text).into())),
            _ => return Node { path, value }.not("text", faults),
        }
    }
    Some((levels.into(), subtree))
}
