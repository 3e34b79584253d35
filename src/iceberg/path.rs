//! From a method and a request target to an operation and its names.
//!
//! A path is read from its raw bytes, once, and nothing of it is rewritten: what the gate decides on
//! is what the catalog gets. What two readers of the same catalog could understand differently is
//! refused, each with its [`PathFault`]; names that clients really send pass, in every spelling that
//! Java's `URLEncoder`, Python's `quote` and browsers have for them, dots and spaces at their ends
//! included: catalogs keep names as they are.

use super::fault::PathFault;
use super::layout::{Kind, Layout};
use super::name::{Name, NamePlace};
use super::operation::{Method, Operation, Part, Place};
use super::query;
use super::segment::{Segment, Units};
use crate::limits::PATH_BYTES;

/// Most segments of a path below the base path; the longest path of an operation has 9.
pub const SEGMENTS: usize = 32;

/// Segments that are kept: one more than any operation has.
const KEPT: usize = 10;

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'p> {
    /// The operation.
    pub operation: Operation,
    /// The prefix; absent for `/v1/config`, the token endpoint, and where a catalog of
    /// [`Kind::Iceberg`] has none.
    pub prefix: Option<Name<'p>>,
    /// The namespace that the path names. Other namespaces may stand in the body or the query.
    pub namespace: Option<Name<'p>>,
    /// The table, view, function, generic table, policy or semantic model that the path names.
    pub object: Option<Name<'p>>,
    /// A plan's id, or what the catalog put into a signing path.
    pub extra: Option<Name<'p>>,
    /// The query, raw, without its `?`; empty when there is none.
    pub query: &'p [u8],
}

/// Whether a path has only segments that [`route`] would read, in any place: no empty one, no dots, nothing that two
/// readers could understand differently. `path` has neither a slash at its begin nor a query. For addresses that a
/// catalog hands to clients.
pub fn is_plain_path(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .all(|segment| Segment::read(segment).is_ok())
}

/// Reads the request target `raw` (`:path`: path and query) below the base path of `layout`.
///
/// # Errors
/// The first [`PathFault`] that is found: first of the target as a whole, then of its segments from
/// left to right, then of the query, then that it is no operation, then of the names in their places.
pub fn route<'p>(method: Method, raw: &'p [u8], layout: &Layout) -> Result<Route<'p>, PathFault> {
    if raw.len() > PATH_BYTES {
        return Err(PathFault::TooLong);
    }
    if raw.first() != Some(&b'/') {
        return Err(PathFault::NotOriginForm);
    }
    let below = layout.below(raw).ok_or(PathFault::OutsideBase)?;
    let (path, query) = split_query(below);
    let segments = Segments::read(path)?;
    query::check(query)?;

    let found = find(method, &segments, layout, is_word)?;
    let Some((place, shape)) = found else {
        return Err(explain(method, &segments, layout));
    };
    let mut route = Route {
        operation: place.operation,
        prefix: None,
        namespace: None,
        object: None,
        extra: None,
        query,
    };
    for (part, segment) in shape.parts(place).zip(segments.iter()) {
        let (slot, name_place) = match part {
            Part::Word(_) => continue,
            Part::Prefix => (&mut route.prefix, NamePlace::Prefix),
            Part::Namespace => (
                &mut route.namespace,
                NamePlace::Namespace(layout.separator_byte()),
            ),
            Part::Object(noun) => (&mut route.object, NamePlace::Object(*noun)),
            Part::Extra => (&mut route.extra, NamePlace::Extra),
        };
        *slot = Some(Name::read(*segment, name_place, layout)?);
    }
    Ok(route)
}

/// A prefix as a catalog tells it (`/v1/config`: clients put it into their paths as it is), decoded as it would be
/// in a path.
///
/// # Errors
/// Why no path could hold it.
pub fn read_prefix(told: &str, layout: &Layout) -> Result<String, PathFault> {
    let segment = Segment::read(told.as_bytes())?;
    let name = Name::read(segment, NamePlace::Prefix, layout)?;
    Ok(name.decode().into_owned())
}

/// The path and, without its `?`, the query.
fn split_query(target: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = target.splitn(2, |byte| *byte == b'?');
    (
        halves.next().unwrap_or_default(),
        halves.next().unwrap_or_default(),
    )
}

/// The segments of a path, at most [`KEPT`] of them; all were looked at.
struct Segments<'p> {
    kept: [Segment<'p>; KEPT],
    count: usize,
}

impl<'p> Segments<'p> {
    /// Reads a path that is empty or begins with `/`.
    fn read(path: &'p [u8]) -> Result<Self, PathFault> {
        let mut segments = Self {
            kept: [Segment::NONE; KEPT],
            count: 0,
        };
        if path.ends_with(b"/") {
            return Err(PathFault::TrailingSlash);
        }
        for raw in path.split(|byte| *byte == b'/').skip(1) {
            if segments.count == SEGMENTS {
                return Err(PathFault::TooManySegments);
            }
            let segment = Segment::read(raw)?;
            if let Some(slot) = segments.kept.get_mut(segments.count) {
                *slot = segment;
            }
            segments.count = segments.count.saturating_add(1);
        }
        Ok(segments)
    }

    /// All but the first.
    fn without_first(&self) -> Self {
        let mut kept = [Segment::NONE; KEPT];
        for (slot, segment) in kept.iter_mut().zip(self.kept.iter().skip(1)) {
            *slot = *segment;
        }
        Self {
            kept,
            count: self.count.saturating_sub(1),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &Segment<'p>> {
        self.kept.iter().take(self.count)
    }
}

/// Whether a path has the prefix that its pattern has.
#[derive(Clone, Copy)]
enum Shape {
    AsWritten,
    WithoutPrefix,
}

impl Shape {
    /// The parts of `place` that have a segment.
    fn parts(self, place: &'static Place) -> impl Iterator<Item = &'static Part> {
        place.parts.iter().filter(move |part| match self {
            Self::AsWritten => true,
            Self::WithoutPrefix => **part != Part::Prefix,
        })
    }

    fn fits(self, place: &'static Place, segments: &Segments<'_>, same: Same) -> bool {
        self.parts(place)
            .zip(segments.iter())
            .all(|(part, segment)| match part {
                Part::Word(word) => same(segment, word),
                Part::Prefix | Part::Namespace | Part::Object(_) | Part::Extra => true,
            })
    }
}

/// Compares a segment with a word.
type Same = fn(&Segment<'_>, &str) -> bool;

fn is_word(segment: &Segment<'_>, word: &str) -> bool {
    segment.raw == word.as_bytes()
}

/// As the laxest server compares: decoded, without regard to case.
fn is_word_to_somebody(segment: &Segment<'_>, word: &str) -> bool {
    Units::of(segment.raw)
        .map_while(Result::ok)
        .map(|unit| unit.byte.to_ascii_lowercase())
        .eq(word.bytes())
}

/// The place of a path, if it has one.
///
/// The method does not help to tell two places apart: a server that answers `HEAD` where only `GET` is
/// written, or that heeds a method override, would not let it either.
fn find(
    method: Method,
    segments: &Segments<'_>,
    layout: &Layout,
    same: Same,
) -> Result<Option<(&'static Place, Shape)>, PathFault> {
    let kind = layout.kind();
    let (mut found, mut known, mut known_without) = (None, false, false);
    for place in Operation::PLACES {
        // The lengths tell most places apart; kind Iceberg may leave one segment out.
        let shape = match place.parts.len().checked_sub(segments.count) {
            Some(0) => Shape::AsWritten,
            Some(1) if kind == Kind::Iceberg && place.parts.contains(&Part::Prefix) => {
                Shape::WithoutPrefix
            }
            _ => continue,
        };
        if !place.kinds.contains(&kind) || !shape.fits(place, segments, same) {
            continue;
        }
        match shape {
            Shape::AsWritten => known = true,
            Shape::WithoutPrefix => known_without = true,
        }
        if place.method == method {
            found = Some((place, shape));
        }
    }
    match (known, known_without, found) {
        (true, true, _) => Err(PathFault::AmbiguousPrefix),
        (true, false, None) | (false, true, None) => Err(PathFault::WrongMethod),
        (_, _, found) => Ok(found),
    }
}

/// Why a path is no operation.
#[cold]
fn explain(method: Method, segments: &Segments<'_>, layout: &Layout) -> PathFault {
    if !matches!(
        find(method, segments, layout, is_word_to_somebody),
        Ok(None)
    ) {
        return PathFault::RouteWordSpelling;
    }
    if layout.kind() == Kind::Nessie
        && matches!(
            find(method, &segments.without_first(), layout, is_word),
            Ok(Some(_))
        )
    {
        return PathFault::ReferenceForm;
    }
    PathFault::UnknownOperation
}
