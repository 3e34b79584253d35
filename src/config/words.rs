//! The values of the configuration that are one of a few words.

use super::model::{Access, Profile};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
use super::values::{Listed, Text, Wrong};
use crate::iceberg::Kind;
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
});

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
