//! The query of a request: kept as it came, but never with a token in it.

use super::fault::PathFault;
use super::segment::Units;

/// RFC 6750 section 2.3; many resource servers take it when there is no `Authorization`.
const TOKEN_PARAMETER: &[u8] = b"access_token";

/// Looks through a query, without its `?`.
///
/// Parameters end at `&` or `;` (some parsers split at both). Names are compared decoded and without
/// regard to case.
pub(super) fn check(query: &[u8]) -> Result<(), PathFault> {
    for byte in query {
        match byte {
            b'#' => return Err(PathFault::Fragment),
            0x00..=0x1f | 0x7f => return Err(PathFault::ControlCharacter),
            0x80..=0xff => return Err(PathFault::NotAscii),
            b' ' => return Err(PathFault::IllegalCharacter),
            _ => {}
        }
    }
    for parameter in query.split(|byte| matches!(byte, b'&' | b';')) {
        let name = parameter
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default();
        if is_token_parameter(name) {
            return Err(PathFault::TokenInQuery);
        }
    }
    Ok(())
}

fn is_token_parameter(name: &[u8]) -> bool {
    if name.len() < TOKEN_PARAMETER.len() {
        return false;
    }
    let mut expected = TOKEN_PARAMETER.iter();
    for unit in Units::of(name) {
        match (unit, expected.next()) {
            (Ok(unit), Some(byte)) if unit.byte.eq_ignore_ascii_case(byte) => {}
            _ => return false,
        }
    }
    expected.next().is_none()
}

/// What a query says that policy asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// x
    pub warehouse: Option<String>,
    /// x
    pub parent: Option<Vec<String>>,
    /// x
    pub referenced_by: Vec<(Vec<String>, String)>,
    /// x
    pub target: Option<(Vec<String>, Option<String>)>,
}
/// x
pub fn read_query(_route: &super::Route<'_>, _layout: &super::Layout) -> Result<Query, PathFault> {
    Ok(Query::default())
}
