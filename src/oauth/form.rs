//! Forms that clients send (`application/x-www-form-urlencoded`, WHATWG URL section 5.1), read strictly: what two
//! readers could read differently is refused.

use super::token_request::TokenRequestFault as Fault;
use crate::limits::{TOKEN_REQUEST_BYTES, TOKEN_REQUEST_PARAMETERS, TOKEN_REQUEST_TARGETS};
use crate::secret::Secret;

/// The only parameters that may stand there more than once (RFC 8693 section 2.1, RFC 8707 section 2).
const REPEATABLE: [&str; 2] = ["audience", "resource"];

/// The parameters that a fault names when they are repeated; the name of any other one is text of the request.
const NAMED: [&str; 13] = [
    "actor_token",
    "actor_token_type",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "grant_type",
    "refresh_token",
    "requested_token_type",
    "scope",
    "subject_token",
    "subject_token_type",
    "username",
];

/// The parameters of a body, decoded, in their order.
#[derive(Debug)]
pub(super) struct Form {
    parameters: Vec<(Secret<String>, Secret<String>)>,
}

impl Form {
    /// Reads a body. Nothing in it is known after a fault.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        if body.len() > TOKEN_REQUEST_BYTES {
            return Err(Fault::TooLong);
        }
        let mut form = Self {
            parameters: Vec::new(),
        };
        for pair in body.split(|byte| *byte == b'&') {
            if pair.is_empty() {
                continue;
            }
            if form.parameters.len() >= TOKEN_REQUEST_PARAMETERS {
                return Err(Fault::TooManyParameters);
            }
            let equals = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = match equals.and_then(|at| pair.split_at_checked(at)) {
                Some((name, value)) => (name, value.get(1..).unwrap_or_default()),
                None => (pair, [].as_slice()),
            };
            let (name, value) = (decode(name)?, decode(value)?);
            form.may_stand(&name)?;
            form.parameters
                .push((Secret::new(name), Secret::new(value)));
        }
        Ok(form)
    }

    /// Whether one more parameter of this name may stand there. Empty ones count: what is omitted to one reader is
    /// the first or the last value to another.
    fn may_stand(&self, name: &str) -> Result<(), Fault> {
        let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        let before = self.named(name).count();
        match known(&REPEATABLE) {
            Some(name) if before >= TOKEN_REQUEST_TARGETS => Err(Fault::TooMany(name)),
            Some(_) => Ok(()),
            None if before > 0 => Err(Fault::Repeated(known(&NAMED))),
            None => Ok(()),
        }
    }

    /// The value of a parameter. One without a value counts as omitted (RFC 6749 section 3.2).
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a parameter.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.named(name).filter(|value| !value.is_empty())
    }

    fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.parameters
            .iter()
            .filter(move |(ours, _)| ours.expose() == name)
            .map(|(_, value)| value.expose().as_str())
    }
}

/// One name or value. A form is printable ASCII without spaces; what else is in a text stands as `+` or `%XX`.
fn decode(encoded: &[u8]) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut rest = encoded;
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        decoded.push(match first {
            b'+' => b' ',
            b'%' => {
                let (digits, behind) = rest.split_first_chunk::<2>().ok_or(Fault::Encoding)?;
                rest = behind;
                let [high, low] = digits.map(hex);
                (high.ok_or(Fault::Encoding)? << 4) | low.ok_or(Fault::Encoding)?
            }
            byte if byte.is_ascii_graphic() => *byte,
            _ => return Err(Fault::Encoding),
        });
    }
    match String::from_utf8(decoded) {
        Ok(text) if !text.contains(char::is_control) => Ok(text),
        _ => Err(Fault::Encoding),
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit.wrapping_sub(b'0')),
        b'a'..=b'f' => Some(digit.wrapping_sub(b'a').wrapping_add(10)),
        b'A'..=b'F' => Some(digit.wrapping_sub(b'A').wrapping_add(10)),
        _ => None,
    }
}
