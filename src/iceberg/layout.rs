//! Which catalog it is, and where its paths begin.

use std::borrow::Cow;
use std::fmt;

/// The namespace separator of the spec, in the form in which it stands in a path.
pub const DEFAULT_SEPARATOR: &str = "%1F";

/// The unit separator, which every catalog must understand besides its own separator.
pub(super) const UNIT_SEPARATOR: u8 = 0x1f;

/// Which catalog it is; carries what the servers do differently.
///
/// | kind | prefix | `+` in a name | adds |
/// |---|---|---|---|
/// | [`Iceberg`](Kind::Iceberg) | none or one segment | a space | `v1/aws/s3/sign` |
/// | [`Nessie`](Kind::Nessie) | one segment (`main%7Cwarehouse`) | itself | `s3sign`, `s3-sign` |
/// | [`Polaris`](Kind::Polaris) | one segment | itself; in table, view and policy names the version decides | `/polaris/v1/...`, notifications |
/// | [`Lakekeeper`](Kind::Lakekeeper) | one segment | a space, and so is `%2B` | three S3 signing paths |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The REST spec to the letter (Iceberg's own REST server).
    Iceberg,
    /// Project Nessie.
    Nessie,
    /// Apache Polaris.
    Polaris,
    /// Lakekeeper.
    Lakekeeper,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 4] = [Self::Iceberg, Self::Nessie, Self::Polaris, Self::Lakekeeper];

    /// Its word in the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Iceberg => "iceberg",
            Self::Nessie => "nessie",
            Self::Polaris => "polaris",
            Self::Lakekeeper => "lakekeeper",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// One spelling for all those that the catalog takes for the same warehouse. Lakekeeper finds warehouses without regard
    /// to case.
    pub fn warehouse_name(self, name: &str) -> Cow<'_, str> {
        match self {
            Self::Lakekeeper => name.to_lowercase().into(),
            Self::Iceberg | Self::Nessie | Self::Polaris => name.into(),
        }
    }
}

/// How a catalog's paths are read. Made by [`Layout::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    kind: Kind,
    base_path: String,
    separator: String,
    separator_byte: u8,
}

impl Layout {
    /// The layout of a catalog of `kind` whose tree begins below `base_path`.
    ///
    /// `base_path` is what stands before `/v1/config`: empty, or `/` and segments of RFC 3986
    /// unreserved characters, without a slash at the end (`/iceberg`, `/api/catalog`).
    /// `separator` is the catalog's `namespace-separator` as `/v1/config` announces it: one
    /// percent-encoded character, [`DEFAULT_SEPARATOR`] for all but a few catalogs of kind
    /// [`Kind::Iceberg`]. Upper and lower case of the hex digits are the same.
    ///
    /// # Errors
    /// One [`LayoutFault`], the first that is found.
    pub fn new(kind: Kind, base_path: &str, separator: &str) -> Result<Self, LayoutFault> {
        check_base_path(base_path)?;
        let separator_byte = separator_byte(separator)?;
        if kind != Kind::Iceberg && separator_byte != UNIT_SEPARATOR {
            return Err(LayoutFault::SeparatorIsFixed);
        }
        Ok(Self {
            kind,
            base_path: base_path.to_owned(),
            separator: separator.to_ascii_uppercase(),
            separator_byte,
        })
    }

    /// Which catalog it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What stands before `/v1/config`; empty when nothing does.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// The namespace separator as it stands in a path, hex digits in upper case (`%1F`).
    pub fn separator(&self) -> &str {
        &self.separator
    }

    /// The character that the separator encodes.
    pub(super) fn separator_byte(&self) -> u8 {
        self.separator_byte
    }

    /// Whether the request target `raw` (path and query) lies at or below the base path. The border
    /// is exact: `/iceberg` owns `/iceberg`, `/iceberg/x` and `/iceberg?x`, and not `/icebergs`,
    /// `/iceberg%2Fx` or `/iceberg;x`. Says nothing about what follows: [`route`](super::route) does.
    pub fn owns(&self, raw: &[u8]) -> bool {
        self.below(raw).is_some()
    }

    /// What follows the base path: empty, or beginning with `/` or `?`.
    pub(super) fn below<'p>(&self, raw: &'p [u8]) -> Option<&'p [u8]> {
        raw.strip_prefix(self.base_path.as_bytes())
            .filter(|rest| matches!(rest.first(), None | Some(b'/' | b'?')))
    }
}

/// Only what no proxy and no server rewrites may stand in a base path: it is compared as bytes.
fn check_base_path(base_path: &str) -> Result<(), LayoutFault> {
    if base_path.is_empty() {
        return Ok(());
    }
    let segments = base_path
        .strip_prefix('/')
        .ok_or(LayoutFault::BasePathNotAbsolute)?;
    if segments.ends_with('/') || segments.is_empty() {
        return Err(LayoutFault::BasePathTrailingSlash);
    }
    for segment in segments.split('/') {
        if matches!(segment, "" | "." | "..") {
            return Err(LayoutFault::BasePathSegment);
        }
        if !segment
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        {
            return Err(LayoutFault::BasePathCharacter);
        }
    }
    Ok(())
}

/// The character of a separator such as `%2E`. Allowed is what stands for itself in a decoded name;
/// `/ \ % ; + ? #` mean something to some reader of paths before any name is decoded, and letters,
/// digits, `-` and `_` would split ordinary names.
fn separator_byte(separator: &str) -> Result<u8, LayoutFault> {
    let hex = separator
        .strip_prefix('%')
        .filter(|hex| hex.len() == 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        .ok_or(LayoutFault::SeparatorForm)?;
    match u8::from_str_radix(hex, 16) {
        Ok(byte) if byte == UNIT_SEPARATOR || b".:$|,~@!&=".contains(&byte) => Ok(byte),
        Ok(_) => Err(LayoutFault::SeparatorCharacter),
        Err(_) => Err(LayoutFault::SeparatorForm),
    }
}

/// Why a layout cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayoutFault {
    /// The base path does not begin with `/`.
    BasePathNotAbsolute,
    /// The base path ends with `/`.
    BasePathTrailingSlash,
    /// The base path has an empty segment, `.` or `..`.
    BasePathSegment,
    /// The base path has a character that is not unreserved in RFC 3986.
    BasePathCharacter,
    /// The separator is not one percent-encoded character.
    SeparatorForm,
    /// The separator encodes a character that cannot separate.
    SeparatorCharacter,
    /// The kind knows no other separator than the default.
    SeparatorIsFixed,
}

impl LayoutFault {
    /// What is wrong, and what would be right.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::BasePathNotAbsolute => "must begin with '/', as in \"/iceberg\", or be empty",
            Self::BasePathTrailingSlash => {
                "must not end with '/'; write \"\" for a catalog at the root"
            }
            Self::BasePathSegment => "must not have empty segments, '.' or '..'",
            Self::BasePathCharacter => {
                "may have only letters, digits, '-', '.', '_' and '~' between its slashes"
            }
            Self::SeparatorForm => "must be one percent-encoded character, as in \"%1F\"",
            Self::SeparatorCharacter => {
                "must encode the unit separator (%1F) or one of . : $ | , ~ @ ! & ="
            }
            Self::SeparatorIsFixed => {
                "must be \"%1F\" for this kind of catalog, which splits at nothing else"
            }
        }
    }
}

impl fmt::Display for LayoutFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

impl std::error::Error for LayoutFault {}
