//! A reader of locations that resolves whatever it can.

#![allow(clippy::arithmetic_side_effects)]

/// Decodes as often as there is something to decode, takes `\` for `/`, cuts off a query and a fragment,
/// drops empty segments and `.`, and follows `..`, which it takes to the next bucket at the top.
pub(crate) fn resolved(uri: &str) -> Vec<String> {
    let mut text = uri.to_owned();
    for _ in 0..4 {
        text = decoded(&text);
    }
    let text = text.replace('\\', "/");
    let text = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = text.split_once(':').unwrap_or(("", text));
    let scheme = scheme.trim().to_ascii_lowercase();
    let mut segments = vec![match scheme.as_str() {
        "s3a" | "s3n" => "s3".to_owned(),
        "abfss" => "abfs".to_owned(),
        "wasbs" => "wasb".to_owned(),
        _ => scheme,
    }];
    for segment in rest.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment.to_owned()),
        }
    }
    segments
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let hex = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
