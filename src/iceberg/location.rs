//! Storage locations, and whether one lies in another.
//!
//! Readers of locations differ: S3 takes every key as it is, Hadoop and Azure's driver resolve `..`, some
//! decode percent triplets, some cut off at `#`. What two of them could take for different places is
//! refused on both sides, so that containment is a comparison of texts.

use std::fmt;
use std::net::Ipv4Addr;

use super::fault::faults;

/// A place in a storage: what an operator writes for a tenant, or what a body names.
///
/// | written | the place |
/// |---|---|
/// | `s3://bucket/path`, also `s3a`, `s3n` | an S3 bucket |
/// | `gs://bucket/path` | a bucket of Google Cloud Storage |
/// | `abfss://container@account.dfs.core.windows.net/path`, also `abfs` | a container of Azure's storage |
/// | `wasbs://container@account.blob.core.windows.net/path`, also `wasb` | the same, to an older driver |
/// | `https://host:port/path`, also `http` | a storage of one's own, by the addresses that its files have |
/// | `file:///path`, also `file:/path` | the catalog's own file system |
///
/// Addresses are for hosts that leave open where the bucket stands, in their name or in the path: not for Amazon's, IP
/// addresses and names without a dot, whose files are `s3://bucket/key`.
///
/// Schemes are compared exactly and in lower case; those in one row are one storage, those in two are not,
/// so that a container for both drivers has to be written twice. Bucket, container and host are compared
/// exactly, and the path level by level: `s3://b/acme` does not hold `s3://b/acme2`. A slash at the end
/// means nothing. Links within a file system are followed by nobody here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageLocation {
    storage: Storage,
    /// The bucket, `container@host`, the host with its port, or nothing for files.
    authority: String,
    /// Without a slash at its begin and its end.
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    S3,
    Gcs,
    Abfs,
    Wasb,
    Http,
    File,
}

faults! {
    /// Why a text is no location that can be compared.
    pub enum LocationFault;

    /// No scheme: a path, relative or absolute, whose storage depends on who reads it.
    NoScheme = "location_no_scheme",
        "the location has no scheme, as in s3://bucket/path";
    /// Not one of the schemes that [`StorageLocation`] has.
    UnknownScheme = "location_unknown_scheme",
        "the location has another scheme than s3, s3a, s3n, gs, abfs, abfss, wasb, wasbs, https, http or file";
    /// No bucket, container or account; a host, a port or a password where none may be; or an address at a host whose
    /// files are written `s3://bucket/key`.
    Authority = "location_authority",
        "the location has no plain bucket (container@account, or host with a dot that is not Amazon's) between '//' and \
         its path";
    /// Two slashes in a row.
    EmptySegment = "location_empty_segment",
        "the location has an empty segment ('//')";
    /// `.` or `..`, also percent-encoded.
    DotSegment = "location_dot_segment",
        "the location has a '.' or '..' segment";
    /// `\`: a slash to some readers.
    Backslash = "location_backslash",
        "the location has a backslash";
    /// `?` or `#`: some readers cut the path off there.
    QueryOrFragment = "location_query_or_fragment",
        "the location has a '?' or '#'";
    /// A control character.
    ControlCharacter = "location_control_character",
        "the location has a control character";
    /// `%` without two hex digits, or before those of a character that would mean something to a reader
    /// who decodes: `. / \ % ? #` and control characters.
    PercentEncoding = "location_percent_encoding",
        "the location has a '%' that does not encode a harmless character";
}

/// One spelling for each place, with a slash at its end: in the order of these texts, whatever lies in a place follows
/// it.
impl fmt::Display for StorageLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.storage {
            Storage::S3 => "s3",
            Storage::Gcs => "gs",
            Storage::Abfs => "abfss",
            Storage::Wasb => "wasbs",
            Storage::Http => "https",
            Storage::File => "file",
        };
        let slash = if self.path.is_empty() { "" } else { "/" };
        write!(f, "{scheme}://{}/{}{slash}", self.authority, self.path)
    }
}

impl StorageLocation {
    /// Reads a location.
    ///
    /// # Errors
    /// The first [`LocationFault`] that is found: of the text as a whole, then from left to right.
    pub fn parse(text: &str) -> Result<Self, LocationFault> {
        for byte in text.bytes() {
            match byte {
                b'\\' => return Err(LocationFault::Backslash),
                b'?' | b'#' => return Err(LocationFault::QueryOrFragment),
                byte if byte.is_ascii_control() => return Err(LocationFault::ControlCharacter),
                _ => {}
            }
        }
        let (scheme, rest) = text.split_once(':').ok_or(LocationFault::NoScheme)?;
        // What stands before a colon further on is no scheme.
        if scheme.is_empty() || scheme.contains('/') {
            return Err(LocationFault::NoScheme);
        }
        let storage = Storage::of_scheme(scheme).ok_or(LocationFault::UnknownScheme)?;
        let (authority, path) = storage.split(rest)?;
        Ok(Self {
            storage,
            authority: authority.to_owned(),
            path: check_path(path)?.to_owned(),
        })
    }

    /// Whether a text is a location that is one of these places or lies in one.
    pub fn any_holds(places: &[Self], uri: &str) -> bool {
        Self::parse(uri).is_ok_and(|place| places.iter().any(|one| one.holds(&place)))
    }

    /// Whether `other` is this place or lies in it.
    pub fn holds(&self, other: &Self) -> bool {
        let below = other.path.strip_prefix(self.path.as_str());
        self.storage == other.storage
            && self.authority == other.authority
            && (self.path.is_empty()
                || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    }
}

impl Storage {
    fn of_scheme(scheme: &str) -> Option<Self> {
        Some(match scheme {
            "s3" | "s3a" | "s3n" => Self::S3,
            "gs" => Self::Gcs,
            "abfs" | "abfss" => Self::Abfs,
            "wasb" | "wasbs" => Self::Wasb,
            "http" | "https" => Self::Http,
            "file" => Self::File,
            _ => return None,
        })
    }

    /// The authority, and the path without the slash before it.
    fn split(self, after_scheme: &str) -> Result<(&str, &str), LocationFault> {
        let hierarchical = after_scheme.strip_prefix("//");
        let (authority, path) = match (self, hierarchical) {
            (Self::File, None) => ("", after_scheme.strip_prefix('/')),
            (_, None) => return Err(LocationFault::Authority),
            (_, Some(rest)) => match rest.split_once('/') {
                Some((authority, path)) => (authority, Some(path)),
                None => (rest, (self != Self::File).then_some("")),
            },
        };
        let is_plain = match self {
            Self::File => authority.is_empty(),
            Self::S3 | Self::Gcs => is_bucket(authority),
            Self::Abfs | Self::Wasb => authority
                .split_once('@')
                .is_some_and(|(container, host)| is_container(container) && is_host(host)),
            Self::Http => match authority.split_once(':') {
                Some((host, port)) => port.parse::<u16>().is_ok() && is_open_host(host),
                None => is_open_host(authority),
            },
        };
        match path {
            Some(path) if is_plain => Ok((authority, path)),
            _ => Err(LocationFault::Authority),
        }
    }
}

/// Old S3 buckets have capital letters and underscores.
fn is_bucket(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// `$root`, `$web` and `$logs` are containers.
fn is_container(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-$".contains(&byte))
}

/// A host in its one spelling: lower case, without a dot at its end.
fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    })
}

/// Whether a host leaves open where the bucket stands, in its name or in the path.
pub(super) fn is_open_host(host: &str) -> bool {
    is_host(host)
        && host.contains('.')
        && host.parse::<Ipv4Addr>().is_err()
        && amazon_service(host).is_none()
}

/// The part of an Amazon host before its domain.
pub(super) fn amazon_service(host: &str) -> Option<&str> {
    host.strip_suffix(".amazonaws.com")
        .or_else(|| host.strip_suffix(".amazonaws.com.cn"))
}

/// The path without a slash at its end.
fn check_path(path: &str) -> Result<&str, LocationFault> {
    if path.is_empty() {
        return Ok(path);
    }
    let path = path.strip_suffix('/').unwrap_or(path);
    for segment in path.split('/') {
        match segment {
            "" => return Err(LocationFault::EmptySegment),
            "." | ".." => return Err(LocationFault::DotSegment),
            _ => check_encoding(segment)?,
        }
    }
    Ok(path)
}

fn check_encoding(segment: &str) -> Result<(), LocationFault> {
    for after in segment.split('%').skip(1) {
        let byte = after.get(..2).and_then(|hex| {
            let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
            u8::from_str_radix(hex, 16).ok().filter(|_| is_hex)
        });
        match byte {
            Some(byte) if !byte.is_ascii_control() && !b"./\\%?#".contains(&byte) => {}
            _ => return Err(LocationFault::PercentEncoding),
        }
    }
    Ok(())
}
