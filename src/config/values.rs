//! The general kinds of values: text of a form, durations, counts, lists, maps by name.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use crate::json::Value;

use super::fault::Faults;
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};

/// Why a text is refused. Never holds the text.
pub(crate) type Wrong = Cow<'static, str>;

/// A value that is written as text.
pub(crate) trait Text: Sized {
    /// Reads it, or says what it must be.
    fn parse(text: &str) -> Result<Self, Wrong>;

    /// What it looks like. Not compiled into the wasm module.
    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape;
}

impl<T: Text> Field for T {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match T::parse(node.text(faults)?) {
            Ok(value) => Some(value),
            Err(wrong) => node.refuse(faults, wrong),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::text_shape()
    }
}

/// Any text.
impl Text for String {
    fn parse(text: &str) -> Result<Self, Wrong> {
        Ok(text.to_owned())
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        Shape::text("text", None)
    }
}

/// A duration between two bounds, in milliseconds. Written as Envoy writes durations, a number
/// and its unit: `5s`, `250ms`, `5m`, `1h`, `0.5s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<const MIN: u64, const MAX: u64>(pub(crate) Duration);

impl<const MIN: u64, const MAX: u64> From<Duration> for Span<MIN, MAX> {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl<const MIN: u64, const MAX: u64> Text for Span<MIN, MAX> {
    fn parse(text: &str) -> Result<Self, Wrong> {
        let duration = duration(text).ok_or(
            "must be a duration: a number and its unit, as in \"5s\", \"250ms\", \"5m\", \"1h\"",
        )?;
        if duration < Duration::from_millis(MIN) || duration > Duration::from_millis(MAX) {
            return Err(format!("must be between {} and {}", written(MIN), written(MAX)).into());
        }
        Ok(Self(duration))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn text_shape() -> Shape {
        let words = format!("duration, {} to {}", written(MIN), written(MAX));
        Shape::text(&words, Some(r"^[0-9]{1,9}(\.[0-9]{1,9})?(ms|s|m|h)$"))
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<const MIN: u64, const MAX: u64> Show for Span<MIN, MAX> {
    fn show(&self) -> Value {
        Value::String(written(
            u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX),
        ))
    }
}

/// A number with at most nine digits before and after the point, and its unit.
fn duration(text: &str) -> Option<Duration> {
    let digits = |text: &str| {
        (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let unit_at = text.find(|char: char| char.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at_checked(unit_at)?;
    let unit: u64 = match unit {
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        _ => return None,
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let billionths: u64 = format!("{fraction:0<9}").parse().ok()?;
    let nanoseconds = u128::from(unit)
        .checked_mul(whole.parse().ok()?)?
        .checked_add(
            u128::from(unit)
                .checked_mul(u128::from(billionths))?
                .checked_div(1_000_000_000)?,
        )?;
    Some(Duration::from_nanos(
        u64::try_from(nanoseconds).unwrap_or(u64::MAX),
    ))
}

/// Milliseconds as an operator writes them.
fn written(milliseconds: u64) -> String {
    let units = [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")];
    let whole = |(unit, _): &(u64, &str)| milliseconds > 0 && milliseconds.is_multiple_of(*unit);
    let (unit, name) = units.into_iter().find(whole).unwrap_or((1, "s"));
    format!(
        "{}{name}",
        milliseconds.checked_div(unit).unwrap_or_default()
    )
}

/// A whole number between two bounds. Envoy hands every number of a Struct on as floating point:
/// `1.0` is 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count<const MIN: usize, const MAX: usize>(pub(crate) usize);

impl<const MIN: usize, const MAX: usize> From<usize> for Count<MIN, MAX> {
    fn from(count: usize) -> Self {
        Self(count)
    }
}

impl<const MIN: usize, const MAX: usize> Field for Count<MIN, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let Value::Number(number) = node.value else {
            return node.not("a whole number", faults);
        };
        // Floating point holds every integer up to 2^53, far above all bounds.
        let float = number.as_f64().unwrap_or(f64::NAN);
        if !(float.fract() == 0.0 && float >= MIN as f64 && float <= MAX as f64) {
            return node.refuse(
                faults,
                format!("must be a whole number between {MIN} and {MAX}"),
            );
        }
        Some(Self(float as usize))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        Shape::count(MIN, MAX)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<const MIN: usize, const MAX: usize> Show for Count<MIN, MAX> {
    fn show(&self) -> Value {
        Value::from(self.0)
    }
}

/// What a list may hold.
pub(crate) trait Listed: Field + PartialEq {
    /// What is wrong with a list of none.
    const NONE: &'static str;
}

/// A list of at least one, all different.
#[derive(Clone, Debug)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T: Listed> Field for List<T> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let elements = node.elements::<T>(faults)?;
        if elements.is_empty() {
            return node.refuse(faults, T::NONE);
        }
        distinct(&node, elements, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().listed()
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<T: Show> Show for List<T> {
    fn show(&self) -> Value {
        Value::Array(self.0.iter().map(Show::show).collect())
    }
}

/// One text, or a list of at least one, all different.
#[derive(Clone, Debug)]
pub(crate) struct OneOrMore<T>(pub(crate) Vec<T>);

impl<T: Text + PartialEq> Field for OneOrMore<T> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        match node.value {
            Value::String(_) => T::read(node, faults).map(|one| Self(vec![one])),
            Value::Array(elements) if elements.is_empty() => {
                node.refuse(faults, "must not be an empty list")
            }
            Value::Array(_) => {
                let elements = node.elements::<T>(faults)?;
                distinct(&node, elements, faults).map(Self)
            }
            _ => node.not("text or a list", faults),
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().one_or_more()
    }
}

/// The elements, unless one of them stands there twice.
fn distinct<T: PartialEq>(
    node: &Node<'_>,
    elements: Vec<T>,
    faults: &mut Faults,
) -> Option<Vec<T>> {
    let twice = elements
        .iter()
        .enumerate()
        .any(|(index, element)| elements.iter().take(index).any(|e| e == element));
    if twice {
        node.refuse(faults, "holds the same twice")
    } else {
        Some(elements)
    }
}

/// Most entries of a map by name: each costs metrics, and issuers cost background fetches.
pub(crate) const NAMED_MAX: usize = 64;

/// Things by name, in the order of their names; `None` where one is faulty.
#[derive(Debug)]
pub(crate) struct Named<T>(pub(crate) Vec<(Rc<str>, Option<T>)>);

impl<T: Field> Field for Named<T> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        let members = node.object(faults)?;
        if members.is_empty() {
            faults.add(node.path, "must hold at least one");
        }
        if members.len() > NAMED_MAX {
            return node.refuse(faults, format!("must hold at most {NAMED_MAX}"));
        }
        let mut named: Vec<(Rc<str>, Option<T>)> = Vec::with_capacity(members.len());
        for (name, value) in members {
            let path = node.path.member(name);
            if !is_name(name) {
                faults.add(path, "is no name: it becomes a metric's label, so it must be 1 to 63 of a-z, 0-9, _ and -");
            }
            named.push((name.as_str().into(), T::read(Node { path, value }, faults)));
        }
        named.sort_by(|(a, _), (b, _)| a.cmp(b));
        Some(Self(named))
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
        T::shape().named()
    }
}

/// Whether this can be a metric's label.
fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=63).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::{duration, written};
    use std::time::Duration;

    #[test]
    fn durations() {
        let cases = [
            ("5s", Some(Duration::from_secs(5))),
            ("250ms", Some(Duration::from_millis(250))),
            ("5m", Some(Duration::from_secs(300))),
            ("1h", Some(Duration::from_secs(3600))),
            ("0.5s", Some(Duration::from_millis(500))),
            ("1.000000001s", Some(Duration::new(1, 1))),
            ("0s", Some(Duration::ZERO)),
            ("999999999h", Some(Duration::from_nanos(u64::MAX))),
            ("5", None),
            ("s", None),
            ("", None),
            (".5s", None),
            ("5.s", None),
            ("-5s", None),
            ("+5s", None),
            ("5 s", None),
            ("5S", None),
            ("5d", None),
            ("1e3s", None),
            ("1.0.0s", None),
            ("1234567890s", None),
            ("٣s", None),
        ];
        for (text, expected) in cases {
            assert_eq!(duration(text), expected, "{text}");
        }
    }

    #[test]
    fn durations_as_they_are_written() {
        for (milliseconds, text) in [
            (0, "0s"),
            (250, "250ms"),
            (1_000, "1s"),
            (1_500, "1500ms"),
            (90_000, "90s"),
            (300_000, "5m"),
            (86_400_000, "24h"),
        ] {
            assert_eq!(written(milliseconds), text);
        }
    }
}
