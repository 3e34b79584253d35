//! The query of a request: kept as it came, never with a token in it, and what it names.
//!
//! Servers read a query as a form (WHATWG URL, `application/x-www-form-urlencoded`): `+` is a space. Nessie
//! was watched, the code of the others was read. A parameter that names something is read strictly, because
//! servers differ on the rest: Nessie takes `PARENT` for `parent`, and ends a parameter at `;`.

use super::fault::PathFault;
use super::layout::{Kind, Layout};
use super::name::{Levels, can_stand_in_a_path, looks_like};
use super::operation::Operation;
use super::path::Route;
use super::segment::Units;

/// RFC 6750 section 2.3; many resource servers take it when there is no `Authorization`.
const TOKEN_PARAMETER: &[u8] = b"access_token";

/// What a query names. A parameter that its operation does not have is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `getConfig`: the warehouse, by its name or, in Nessie, by its location. Empty when the client sent
    /// an empty one, which catalogs take for their default.
    pub warehouse: Option<String>,
    /// `listNamespaces`: the namespace whose children are listed; `None` for all at the top.
    pub parent: Option<Vec<String>>,
    /// Of a table or view that is loaded through views: the views, outermost first.
    pub referenced_by: Vec<ReferencingView>,
    /// `getApplicablePolicies`: what they apply to; `None` for the warehouse as a whole.
    pub target: Option<PolicyTarget>,
    /// `dropNamespace`: with everything in it, namespaces below it included. Lakekeeper has `recursive`; the
    /// spec has nothing of the kind, and who knows neither drops empty namespaces only.
    pub recursive: bool,
}

/// One view of `referenced-by`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferencingView {
    /// Its namespace's levels, at least one, none empty.
    pub namespace: Vec<String>,
    /// Its name.
    pub name: String,
}

/// A namespace, or a table or view in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTarget {
    /// The namespace's levels, at least one, none empty.
    pub namespace: Vec<String>,
    /// The table or view.
    pub name: Option<String>,
}

/// A parameter that names something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameter {
    Warehouse,
    Parent,
    ReferencedBy,
    /// Of a policy's target.
    Namespace,
    TargetName,
    Recursive,
    Cascade,
}

impl Parameter {
    const fn name(self) -> &'static str {
        match self {
            Self::Warehouse => "warehouse",
            Self::Parent => "parent",
            Self::ReferencedBy => "referenced-by",
            Self::Namespace => "namespace",
            Self::TargetName => "target-name",
            Self::Recursive => "recursive",
            Self::Cascade => "cascade",
        }
    }
}

/// The parameters of a request that name something. The spec has `referenced-by` for three operations;
/// engines are about to send it with all others of a table or view, too.
fn parameters(route: &Route<'_>) -> &'static [Parameter] {
    match route.operation {
        Operation::GetConfig => &[Parameter::Warehouse],
        Operation::ListNamespaces => &[Parameter::Parent],
        Operation::DropNamespace => &[Parameter::Recursive, Parameter::Cascade],
        Operation::GetApplicablePolicies => &[Parameter::Namespace, Parameter::TargetName],
        _ if route.object.is_some() => &[Parameter::ReferencedBy],
        _ => &[],
    }
}

/// Reads what the query of a request names.
///
/// # Errors
/// The first [`PathFault`] that is found: first of the query as a whole, then of the parameters.
pub fn read_query(route: &Route<'_>, layout: &Layout) -> Result<Query, PathFault> {
    let mut query = Query::default();
    let wanted = parameters(route);
    if wanted.is_empty() || route.query.is_empty() {
        return Ok(query);
    }
    let mut target_name = None;
    for (parameter, value) in find(route.query, wanted)? {
        match parameter {
            Parameter::Warehouse => query.warehouse = Some(warehouse(value, layout)?),
            Parameter::ReferencedBy => query.referenced_by = referenced_by(value, layout)?,
            // Whatever else a catalog may take for yes.
            Parameter::Recursive | Parameter::Cascade => query.recursive |= value != b"false",
            // Catalogs take an empty one of these for none.
            _ if value.is_empty() => {}
            Parameter::Parent => query.parent = Some(namespace(value, layout)?),
            Parameter::Namespace => {
                query.target = Some(PolicyTarget {
                    namespace: namespace(value, layout)?,
                    name: None,
                });
            }
            Parameter::TargetName => target_name = Some(name(value, Plus::RawIsSpace)?),
        }
    }
    match (&mut query.target, target_name) {
        (Some(target), name) => target.name = name,
        (None, None) => {}
        (None, Some(_)) => return Err(PathFault::QueryTarget),
    }
    Ok(query)
}

/// The wanted parameters of a query and their raw values, each at most once.
fn find<'q>(
    query: &'q [u8],
    wanted: &'static [Parameter],
) -> Result<Vec<(Parameter, &'q [u8])>, PathFault> {
    if query.contains(&b';') {
        return Err(PathFault::QuerySemicolon);
    }
    let mut found: Vec<(Parameter, &[u8])> = Vec::new();
    for piece in query.split(|byte| *byte == b'&') {
        // A broken encoding anywhere makes some servers give up and others guess.
        decode(piece, Plus::RawIsSpace)?;
        let mut halves = piece.splitn(2, |byte| *byte == b'=');
        let raw_name = halves.next().unwrap_or_default();
        let value = halves.next().unwrap_or_default();
        let name = decode(raw_name, Plus::RawIsSpace)?;
        for parameter in wanted {
            if raw_name == parameter.name().as_bytes() {
                if found.iter().any(|(other, _)| other == parameter) {
                    return Err(PathFault::QueryDuplicate);
                }
                found.push((*parameter, value));
            } else if looks_like(&name, parameter.name()) {
                return Err(PathFault::QuerySpelling);
            }
        }
    }
    Ok(found)
}

/// Free text: a location has slashes.
fn warehouse(value: &[u8], layout: &Layout) -> Result<String, PathFault> {
    if layout.kind() == Kind::Iceberg && value.contains(&b'+') {
        return Err(PathFault::QueryPlus);
    }
    let text = decode(value, Plus::RawIsSpace)?;
    if text.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(PathFault::ControlCharacter);
    }
    if decodes_again(&text) {
        return Err(PathFault::DoubleEncoding);
    }
    Ok(text)
}

/// A namespace as Java and Python write it: levels with the separator between them, all of it encoded as
/// the value of a parameter. (PyIceberg 0.12 encodes the levels twice; no catalog finds those that need it.)
fn namespace(value: &[u8], layout: &Layout) -> Result<Vec<String>, PathFault> {
    // Lakekeeper takes the `+` that it decoded for a space once more.
    let plus = match layout.kind() {
        Kind::Lakekeeper => Plus::IsSpace,
        Kind::Iceberg | Kind::Nessie | Kind::Polaris => Plus::RawIsSpace,
    };
    let levels = Levels::new(value, Some(layout.separator_byte()));
    levels.check()?;
    levels.map(|(level, _)| name(level, plus)).collect()
}

/// `referenced-by`, as the spec has it and Iceberg's Java client sends it (apache/iceberg, pull request
/// 18015): views with raw commas between them; in each the levels and the name, percent-encoded one by one,
/// with the separator between them, the last of which stands before the name.
///
/// A comma in a name (`%2C`) is told from one between two views only by a server that splits before it
/// decodes. Lakekeeper does.
fn referenced_by(value: &[u8], layout: &Layout) -> Result<Vec<ReferencingView>, PathFault> {
    let separator = layout.separator_byte();
    if separator == b',' {
        return Err(PathFault::QueryReferencedBy);
    }
    let mut views = Vec::new();
    for raw in value.split(|byte| *byte == b',') {
        let levels = Levels::new(raw, Some(separator));
        levels.check()?;
        let mut namespace: Vec<String> = levels
            .map(|(level, _)| name(level, Plus::RawIsSpace))
            .collect::<Result<_, _>>()?;
        let ambiguous = layout.kind() != Kind::Lakekeeper;
        if ambiguous && namespace.iter().any(|level| level.contains(',')) {
            return Err(PathFault::QueryReferencedBy);
        }
        match namespace.pop() {
            Some(name) if !namespace.is_empty() => views.push(ReferencingView { namespace, name }),
            _ => return Err(PathFault::QueryReferencedBy),
        }
    }
    Ok(views)
}

/// One level or object.
fn name(raw: &[u8], plus: Plus) -> Result<String, PathFault> {
    let name = decode(raw, plus)?;
    if name.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(PathFault::ControlCharacter);
    }
    if !can_stand_in_a_path(&name) {
        return Err(PathFault::QueryName);
    }
    if decodes_again(&name) {
        return Err(PathFault::DoubleEncoding);
    }
    Ok(name)
}

/// Which `+` is a space.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Plus {
    RawIsSpace,
    /// `%2B` as well.
    IsSpace,
}

fn decode(raw: &[u8], plus: Plus) -> Result<String, PathFault> {
    let mut bytes = Vec::with_capacity(raw.len());
    for unit in Units::of(raw) {
        let unit = unit?;
        bytes.push(match unit.byte {
            b'+' if plus == Plus::IsSpace || !unit.encoded => b' ',
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| PathFault::NotUtf8)
}

/// Whether a decoded text has a percent triplet again.
fn decodes_again(text: &str) -> bool {
    text.as_bytes().windows(3).any(|three| match three {
        [b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        _ => false,
    })
}

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
