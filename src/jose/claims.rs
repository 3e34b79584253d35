//! The claims of a JWT (RFC 7519 section 4).

use std::fmt;
use std::time::Duration;

use crate::clock::UnixTime;
use crate::json::{self, JsonFault, Object, Value};
use crate::limits;

/// NumericDates from here on are refused: doubles no longer hold every second.
const DATE_END: u64 = 1 << 53;

/// The claims of a token, each registered one of the type that RFC 7519 gives it. Whether they are
/// true, only the signature tells; whether they suffice, the rules of whoever accepts the token.
///
/// `Debug` shows none of them.
#[derive(Clone)]
pub struct Claims {
    members: Object,
    audience: Vec<String>,
    expires: Option<UnixTime>,
    not_before: Option<UnixTime>,
    issued_at: Option<UnixTime>,
}

/// Why a payload is no set of claims. It holds nothing of the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsFault {
    /// Not a strict JSON object.
    Json(JsonFault),
    /// A registered claim is of another type than RFC 7519 says: `exp` as text, `aud` as object.
    WrongType(&'static str),
    /// `exp`, `nbf` or `iat` is negative or 2^53 and more.
    OutOfRange(&'static str),
    /// `aud` has more elements than [`AUDIENCES_PER_TOKEN`](limits::AUDIENCES_PER_TOKEN).
    TooManyAudiences,
}

impl Claims {
    /// Reads a payload.
    ///
    /// # Errors
    ///
    /// A claim of the wrong type is a fault, never taken for absent: `iss`, `sub`, `jti`, `nonce` must be
    /// strings, `aud` a string or an array of strings, `exp`, `nbf`, `iat` numbers.
    pub fn parse(payload: &[u8]) -> Result<Self, ClaimsFault> {
        let members = json::parse_object(payload).map_err(ClaimsFault::Json)?;
        for name in ["iss", "sub", "jti", "nonce"] {
            if members.get(name).is_some_and(|value| !value.is_string()) {
                return Err(ClaimsFault::WrongType(name));
            }
        }
        Ok(Self {
            audience: audience(members.get("aud"))?,
            expires: date("exp", &members)?,
            not_before: date("nbf", &members)?,
            issued_at: date("iat", &members)?,
            members,
        })
    }

    /// `iss`: who issued the token.
    pub fn iss(&self) -> Option<&str> {
        self.string("iss")
    }

    /// `sub`: whom the token is about.
    pub fn sub(&self) -> Option<&str> {
        self.string("sub")
    }

    /// `aud`: for whom the token is meant; empty when it is absent.
    pub fn audience(&self) -> &[String] {
        &self.audience
    }

    /// `exp`: from then on the token is not accepted.
    pub fn expires(&self) -> Option<UnixTime> {
        self.expires
    }

    /// `nbf`: before then the token is not accepted.
    pub fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// `iat`: when the token was issued.
    pub fn issued_at(&self) -> Option<UnixTime> {
        self.issued_at
    }

    /// A claim by its name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The value at the end of a path of member names; `None` also when something on the way is not an
    /// object, and for the empty path.
    pub fn at(&self, path: &[String]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter()
            .try_fold(self.members.get(first)?, |value, name| {
                value.as_object()?.get(name)
            })
    }

    /// The text at the end of a path; `None` when there is none or it is not a string.
    pub fn string_at(&self, path: &[String]) -> Option<&str> {
        self.at(path)?.as_str()
    }

    /// Bytes that they take in memory, roughly.
    pub fn footprint(&self) -> usize {
        let audience = self
            .audience
            .iter()
            .map(|text| size_of::<String>().saturating_add(text.len()));
        audience.fold(of_object(&self.members), usize::saturating_add)
    }

    fn string(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").finish_non_exhaustive()
    }
}

/// What a map keeps of its own for each member, roughly.
const MEMBER: usize = 16;

fn of_object(members: &Object) -> usize {
    members
        .iter()
        .map(|(name, value)| {
            let own = size_of::<String>().saturating_add(MEMBER);
            own.saturating_add(name.len())
                .saturating_add(of_value(value))
        })
        .fold(0, usize::saturating_add)
}

/// The recursion is as deep as the document, which [`limits::JSON_DEPTH`] bounds.
fn of_value(value: &Value) -> usize {
    let below = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(of_value).fold(0, usize::saturating_add),
        Value::Object(members) => of_object(members),
    };
    size_of::<Value>().saturating_add(below)
}

/// RFC 7519 section 4.1.3.
fn audience(aud: Option<&Value>) -> Result<Vec<String>, ClaimsFault> {
    let wrong = || ClaimsFault::WrongType("aud");
    match aud {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one.clone()]),
        Some(Value::Array(many)) if many.len() > limits::AUDIENCES_PER_TOKEN => {
            Err(ClaimsFault::TooManyAudiences)
        }
        Some(Value::Array(many)) => many
            .iter()
            .map(|one| one.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

/// A NumericDate, RFC 7519 section 2: seconds since 1970, perhaps with a fraction.
fn date(name: &'static str, members: &Object) -> Result<Option<UnixTime>, ClaimsFault> {
    let number = match members.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(ClaimsFault::WrongType(name)),
    };
    let since_epoch = match (number.as_u64(), number.as_f64()) {
        (Some(seconds), _) if seconds < DATE_END => Duration::from_secs(seconds),
        #[allow(clippy::cast_precision_loss, reason = "2^53 is a double")]
        (None, Some(seconds)) if seconds < DATE_END as f64 => {
            Duration::try_from_secs_f64(seconds).map_err(|_| ClaimsFault::OutOfRange(name))?
        }
        _ => return Err(ClaimsFault::OutOfRange(name)),
    };
    Ok(Some(UnixTime::from_epoch(since_epoch)))
}

/// Continues "the token ...".
impl fmt::Display for ClaimsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(fault) => write!(f, "has a payload that {fault}"),
            Self::WrongType("aud") => {
                f.write_str("has an aud that is neither a string nor an array of strings")
            }
            Self::WrongType(name @ ("exp" | "nbf" | "iat")) => {
                write!(f, "has an {name} that is not a number")
            }
            Self::WrongType(name) => write!(f, "has a claim {name} that is not a string"),
            Self::OutOfRange(name) => write!(f, "has an {name} that is out of range"),
            Self::TooManyAudiences => {
                write!(
                    f,
                    "names more than {} audiences",
                    limits::AUDIENCES_PER_TOKEN
                )
            }
        }
    }
}

impl std::error::Error for ClaimsFault {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{Claims, ClaimsFault};
    use crate::clock::UnixTime;

    fn read(payload: &str) -> Result<Claims, ClaimsFault> {
        Claims::parse(payload.as_bytes())
    }

    fn path(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    #[test]
    fn the_registered_claims_are_read() {
        let claims = read(
            r#"{"iss":"https://idp.example","sub":"s","aud":["a","b"],"exp":1700000000.25,"nbf":0,"iat":17e8}"#,
        )
        .unwrap();
        assert_eq!(claims.iss(), Some("https://idp.example"));
        assert_eq!(claims.sub(), Some("s"));
        assert_eq!(claims.audience(), ["a", "b"]);
        assert_eq!(
            claims.expires(),
            Some(UnixTime::from_epoch(Duration::from_millis(
                1_700_000_000_250
            )))
        );
        assert_eq!(claims.not_before(), Some(UnixTime::from_secs(0)));
        assert_eq!(claims.issued_at(), Some(UnixTime::from_secs(1_700_000_000)));
        assert_eq!(format!("{claims:?}"), "Claims { .. }");
    }

    #[test]
    fn absent_claims_are_absent() {
        let claims = read("{}").unwrap();
        assert_eq!(
            (claims.iss(), claims.sub(), claims.expires()),
            (None, None, None)
        );
        assert!(claims.audience().is_empty());
    }

    #[test]
    fn a_claim_of_the_wrong_type_is_a_fault() {
        let strings = [r#""9999999999""#, "true", "[]", "{}", "null", "[1]"];
        for name in ["exp", "nbf", "iat"] {
            for value in strings {
                let fault = read(&format!(r#"{{"{name}":{value}}}"#)).unwrap_err();
                assert_eq!(fault, ClaimsFault::WrongType(name), "{name}: {value}");
            }
        }
        for name in ["iss", "sub", "jti", "nonce"] {
            for value in ["1", "true", "[]", r#"["a"]"#, "{}", "null"] {
                let fault = read(&format!(r#"{{"{name}":{value}}}"#)).unwrap_err();
                assert_eq!(fault, ClaimsFault::WrongType(name), "{name}: {value}");
            }
        }
        for value in [
            "1",
            "true",
            "null",
            "{}",
            r#"{"a":"icegate"}"#,
            r#"[["icegate"]]"#,
            r#"["icegate",1]"#,
            "[null]",
        ] {
            let fault = read(&format!(r#"{{"aud":{value}}}"#)).unwrap_err();
            assert_eq!(fault, ClaimsFault::WrongType("aud"), "{value}");
        }
    }

    #[test]
    fn dates_end_at_2_to_the_53() {
        for good in ["0", "0.0", "-0.0", "9007199254740991", "1.5e9"] {
            assert!(read(&format!(r#"{{"exp":{good}}}"#)).is_ok(), "{good}");
        }
        for bad in [
            "-1",
            "-0.5",
            "9007199254740992",
            "9007199254740992.0",
            "18446744073709551615",
            "1e18",
            "1e308",
        ] {
            let fault = read(&format!(r#"{{"exp":{bad}}}"#)).unwrap_err();
            assert_eq!(fault, ClaimsFault::OutOfRange("exp"), "{bad}");
        }
        for bad in ["1e400", "NaN", "Infinity", "0x10", "1_000"] {
            assert!(
                matches!(
                    read(&format!(r#"{{"exp":{bad}}}"#)),
                    Err(ClaimsFault::Json(_))
                ),
                "{bad}"
            );
        }
    }

    #[test]
    fn audiences_are_counted() {
        let claims = |count: usize| read(&json!({"aud": vec!["a"; count]}).to_string());
        assert_eq!(claims(64).unwrap().audience().len(), 64);
        assert_eq!(claims(65).unwrap_err(), ClaimsFault::TooManyAudiences);
        assert_eq!(claims(1_000).unwrap_err(), ClaimsFault::TooManyAudiences);
        assert!(claims(0).unwrap().audience().is_empty());
        assert_eq!(read(r#"{"aud":"one"}"#).unwrap().audience(), ["one"]);
    }

    #[test]
    fn a_footprint_counts_everything_below() {
        let bytes = |payload: &str| read(payload).unwrap().footprint();
        assert_eq!(bytes("{}"), 0);
        let long = "x".repeat(5000);
        for payload in [
            format!(r#"{{"a":"{long}"}}"#),
            format!(r#"{{"{long}":1}}"#),
            format!(r#"{{"a":{{"b":[0,["{long}"]]}}}}"#),
        ] {
            let counted = bytes(&payload);
            assert!((5000..5500).contains(&counted), "{counted}");
        }
        // Small things cost more than their text.
        let zeros = format!(r#"{{"a":[{}0]}}"#, "0,".repeat(999));
        assert!(bytes(&zeros) >= 1000 * size_of::<serde_json::Value>());
        // The audience is kept twice.
        assert!(bytes(&format!(r#"{{"aud":"{long}"}}"#)) >= 10_000);
    }

    #[test]
    fn a_path_leads_through_objects_only() {
        let claims =
            read(r#"{"sub":"s","realm_access":{"roles":["r"],"a.b":"c"},"list":[{"x":"y"}]}"#)
                .unwrap();
        assert_eq!(claims.string_at(&path(&["sub"])), Some("s"));
        assert_eq!(
            claims.at(&path(&["realm_access", "roles"])),
            Some(&json!(["r"]))
        );
        assert_eq!(claims.string_at(&path(&["realm_access", "roles"])), None);
        assert_eq!(claims.string_at(&path(&["realm_access", "a.b"])), Some("c"));
        for nowhere in [
            &["realm_access.roles"][..],
            &["list", "0"],
            &["sub", "x"],
            &["Sub"],
            &[],
        ] {
            assert_eq!(claims.at(&path(nowhere)), None, "{nowhere:?}");
        }
    }
}
