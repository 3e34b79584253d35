//! The values of the configuration that are one of a few words.

use super::fault::{Faults, Path};
use super::model::{Access, Delegation, Lines, Profile, SpeaksBy, ViewOwner};
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::values::{Listed, Text, Wrong, list};
use crate::dialect::ClientMethod;
use crate::iceberg::{Class, Kind, Operation, OperationSet};
use crate::jose::Algorithm;
#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;

/// Makes a type of a few fixed words readable, and shows it.
macro_rules! words {
    ($kind:ty { $($word:literal => $value:path,)+ }) => {
        impl Text for $kind {
            fn parse(text: &str) -> Result<Self, Wrong> {
                match text {
                    $($word => Ok($value),)+
                    _ => Err(one_of(&[$($word),+]).into()),
                }
            }

            #[cfg(not(target_arch = "wasm32"))]
            fn text_shape() -> Shape {
                Shape::words(&[$($word),+])
            }
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl Show for $kind {
            fn show(&self) -> Value {
                Value::from(match self { $($value => $word,)+ })
            }
        }
    };
}

/// "must be one of ..."
fn one_of(words: &[&str]) -> String {
    match words {
        [only] => format!("must be {only}"),
        _ => format!("must be one of {}", words.join(", ")),
    }
}

impl Text for Profile {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Self::from_name(text).ok_or_else(|| one_of(&profiles()).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&profiles())
    }
}

fn profiles() -> [&'static str; 5] {
    Profile::ALL.map(|profile| profile.dialect().name)
}

impl Text for Kind {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Self::from_name(text).ok_or_else(|| one_of(&Self::ALL.map(Self::name)).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&Self::ALL.map(Self::name))
    }
}

words!(Access {
    "catalog_decides" => Access::CatalogDecides,
    "grants" => Access::Grants,
});

words!(Delegation {
    "remove" => Delegation::Remove,
    "refuse" => Delegation::Refuse,
});

words!(ViewOwner {
    "any" => ViewOwner::Any,
    "caller" => ViewOwner::Caller,
});

words!(Lines {
    "none" => Lines::None,
    "refusals" => Lines::Refusals,
    "commits" => Lines::Commits,
    "all" => Lines::All,
});

words!(SpeaksBy {
    "assertion" => SpeaksBy::Assertion,
    "impersonation" => SpeaksBy::Impersonation,
});

/// What a grant allows or denies: classes and operations, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Actions(pub(crate) OperationSet);

impl Field for Actions {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let mut set = Some(OperationSet::NONE);
        for (index, value) in list(&node, 256, faults)?.iter().enumerate() {
            let path = Path::Element(&node.path, index);
            let more = Action::read(Node { path, value }, faults);
            set = set.zip(more).map(|(set, Action(more))| set.and(more));
        }
        set.map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Action::shape().many()
    }
}

/// A class, an operation, or all.
struct Action(OperationSet);

/// What can be granted as a whole, in the order in which it is listed. Put together once: a grant has several, and
/// there are tens of thousands.
const CLASSES: [(&str, OperationSet); 8] = [
    class(Class::Read),
    class(Class::Write),
    class(Class::Commit),
    class(Class::Admin),
    class(Class::Sign),
    class(Class::Credentials),
    class(Class::Config),
    ("all", OperationSet::ALL),
];

const fn class(class: Class) -> (&'static str, OperationSet) {
    (class.name(), OperationSet::of_class(class))
}

impl Text for Action {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if let Some((_, set)) = CLASSES.iter().find(|(name, _)| *name == text) {
            return Ok(Self(*set));
        }
        match Operation::from_name(text) {
            Some(Operation::GetToken) => Err("is nobody's to grant".into()),
            Some(operation) => Ok(Self(OperationSet::one(operation))),
            None => Err("must be a class (read, write, commit, admin, sign, credentials, config, all) or an \
                         operation by its name in the REST spec, as loadTable"
                .into()),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        let mut words = CLASSES.map(|(name, _)| name).to_vec();
        words.extend(
            Operation::ALL
                .iter()
                .filter(|operation| **operation != Operation::GetToken)
                .map(|operation| operation.name()),
        );
        Shape::actions(&words)
    }
}

/// Which metadata an issuer publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Discovery {
    /// OpenID Connect Discovery 1.0.
    Oidc,
    /// RFC 8414.
    Oauth,
}

words!(Discovery {
    "oidc" => Discovery::Oidc,
    "oauth" => Discovery::Oauth,
});

impl Text for ClientMethod {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let named = |method: &Self| method.name() == text;
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| one_of(&Self::ALL.map(Self::name)).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&Self::ALL.map(Self::name))
    }
}

impl Text for Algorithm {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.eq_ignore_ascii_case("none") {
            return Err("none never verifies: anybody could write such a token".into());
        }
        if matches!(text, "HS256" | "HS384" | "HS512") {
            return Err("a symmetric algorithm never verifies: \
                        whoever can check such a token can also write it"
                .into());
        }
        Self::from_name(text).ok_or_else(|| one_of(&Self::ALL.map(Self::name)).into())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::words(&Self::ALL.map(Self::name))
    }
}

impl Listed for Algorithm {
    const NONE: &'static str = "must name at least one algorithm; no token would verify";
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for Algorithm {
    fn show(&self) -> Value {
        Value::from(self.name())
    }
}
