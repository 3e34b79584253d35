//! Plain scalars of YAML, as Envoy takes them.

use crate::yaml::Kind;

/// A plain scalar in Envoy (`source/common/protobuf/yaml_utility.cc`, over yaml-cpp): nothing, a truth value in
/// the words of YAML 1.1, an integer in decimal, octal or hexadecimal, else text. Integers beyond 32 bits become
/// text, and so do all fractions: a message's field turns them back, a Struct does not.
pub(crate) fn plain(text: &str) -> Kind {
    if matches!(text, "" | "~" | "null" | "Null" | "NULL") {
        return Kind::Null;
    }
    if let Some(value) = truth(text) {
        return Kind::Bool(value);
    }
    match integer(text) {
        Some(number) => match i32::try_from(number) {
            Ok(small) => Kind::Number(small.into()),
            Err(_) => Kind::Text(number.to_string()),
        },
        None => Kind::Text(text.to_owned()),
    }
}

/// yaml-cpp's words: lower case, upper case, or with one capital letter.
fn truth(text: &str) -> Option<bool> {
    let lower = text.to_ascii_lowercase();
    let mut letters = text.chars().skip(1);
    let capital = text.starts_with(|first: char| first.is_ascii_uppercase());
    let rest_lower = letters.clone().all(|letter| letter.is_ascii_lowercase());
    let rest_upper = capital && letters.all(|letter| letter.is_ascii_uppercase());
    if !rest_lower && !rest_upper {
        return None;
    }
    match lower.as_str() {
        "y" | "yes" | "true" | "on" => Some(true),
        "n" | "no" | "false" | "off" => Some(false),
        _ => None,
    }
}

fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|first: char| first.is_ascii_digit()) {
        return None;
    }
    let hex = digits.strip_prefix("0x").or(digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0').filter(|rest| !rest.is_empty());
    let number = match (hex, octal) {
        (Some(hex), _) => i64::from_str_radix(hex, 16),
        (None, Some(octal)) => i64::from_str_radix(octal, 8),
        (None, None) => digits.parse(),
    };
    let number = number.ok()?;
    if negative {
        number.checked_neg()
    } else {
        Some(number)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::plain;
    use crate::yaml::Node;

    /// Each was put into the `node.metadata` of Envoy 1.40, a Struct, and read back from its `config_dump`.
    #[test]
    fn they_are_what_envoy_takes_them_for() {
        for (text, value) in [
            ("null", json!(null)),
            ("~", json!(null)),
            ("yes", json!(true)),
            ("Off", json!(false)),
            ("TRUE", json!(true)),
            ("n", json!(false)),
            ("tRUE", json!("tRUE")),
            ("yES", json!("yES")),
            ("12", json!(12)),
            ("-3", json!(-3)),
            ("0x1F", json!(31)),
            ("-0x10", json!(-16)),
            ("017", json!(15)),
            ("08", json!("08")),
            ("0o17", json!("0o17")),
            ("+5", json!(5)),
            ("-2147483649", json!("-2147483649")),
            ("5000000000", json!("5000000000")),
            ("1.5", json!("1.5")),
            ("5s", json!("5s")),
            ("12:30", json!("12:30")),
            ("2026-01-01", json!("2026-01-01")),
        ] {
            let node = Node {
                line: 1,
                kind: plain(text),
            };
            assert_eq!(node.to_json(), value, "{text}");
        }
    }
}
