//! The values of the configuration that are one of a few words.

use super::model::{Access, Delegation, Lines, Profile};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::values::{Listed, Text, Wrong};
use crate::iceberg::{Class, Kind, Operation, OperationSet};
use crate::jose::Algorithm;
#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;

/// Makes a type of a few fixed words readable.
macro_rules! words {
    ($kind:ty { $($word:literal => $value:expr,)+ }) => {
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
    };
}

/// "must be one of ..."
fn one_of(words: &[&str]) -> String {
    match words {
        [only] => format!("must be {only}"),
        _ => format!("must be one of {}", words.join(", ")),
    }
}

words!(Profile {
    "keycloak" => Profile::Keycloak,
    "rfc8693" => Profile::Rfc8693,
});

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

words!(Lines {
    "none" => Lines::None,
    "refusals" => Lines::Refusals,
    "commits" => Lines::Commits,
    "all" => Lines::All,
});

#[cfg(not(target_arch = "wasm32"))]
impl Show for Delegation {
    fn show(&self) -> Value {
        Value::from(match self {
            Self::Remove => "remove",
            Self::Refuse => "refuse",
        })
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl Show for Lines {
    fn show(&self) -> Value {
        Value::from(match self {
            Self::None => "none",
            Self::Refusals => "refusals",
            Self::Commits => "commits",
            Self::All => "all",
        })
    }
}

/// What a grant allows or denies: a class, an operation, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Allowed(pub(crate) OperationSet);

/// The classes that can be granted, in the order in which they are listed.
const CLASSES: [Class; 7] = [
    Class::Read,
    Class::Write,
    Class::Commit,
    Class::Admin,
    Class::Sign,
    Class::Credentials,
    Class::Config,
];

impl Text for Allowed {
    fn parse(text: &str) -> Result<Self, Wrong> {
        if text == "all" {
            return Ok(Self(OperationSet::ALL));
        }
        let class = CLASSES.into_iter().find(|class| class.name() == text);
        if let Some(class) = class {
            return Ok(Self(OperationSet::of_class(class)));
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
        let mut words: Vec<&str> = CLASSES.map(Class::name).to_vec();
        words.push("all");
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

/// How a client secret is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authentication {
    /// RFC 6749 section 2.3.1, HTTP Basic.
    Basic,
    /// RFC 6749 section 2.3.1, in the body.
    Post,
}

words!(Authentication {
    "client_secret_basic" => Authentication::Basic,
    "client_secret_post" => Authentication::Post,
});

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
