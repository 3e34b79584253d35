//! Durations, written as Envoy writes them.

use std::time::Duration;

use super::fault::Faults;
use super::node::{Field, Node};
#[cfg(not(target_arch = "wasm32"))]
use super::shape::{Shape, Show};
#[cfg(not(target_arch = "wasm32"))]
use crate::json::Value;

/// A duration between two bounds, in milliseconds. Written as Envoy writes durations, a number
/// and its unit: `5s`, `250ms`, `5m`, `1h`, `0.5s`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<const MIN: u64, const MAX: u64>(pub(crate) Duration);

impl<const MIN: u64, const MAX: u64> From<Duration> for Span<MIN, MAX> {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl<const MIN: u64, const MAX: u64> Field for Span<MIN, MAX> {
    fn read(node: Node<'_>, faults: &mut Faults) -> Option<Self> {
        between(node, MIN, MAX, faults).map(Self)
    }

    #[cfg(not(target_arch = "wasm32"))]
    fn shape() -> Shape {
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

#[inline(never)]
fn between(node: Node<'_>, min: u64, max: u64, faults: &mut Faults) -> Option<Duration> {
    let Some(duration) = duration(node.text(faults)?) else {
        return node.refuse(
            faults,
            "must be a duration: a number and its unit, as in \"5s\", \"250ms\", \"5m\", \"1h\"",
        );
    };
    if duration < Duration::from_millis(min) || duration > Duration::from_millis(max) {
        let message = format!("must be between {} and {}", written(min), written(max));
        return node.refuse(faults, message);
    }
    Some(duration)
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
