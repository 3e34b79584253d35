//! Any bytes as a request target, read for every kind of catalog: no panic, and what is accepted has
//! one reading.
#![no_main]

use icegate::iceberg::{Kind, Layout, Method, route};
use libfuzzer_sys::fuzz_target;

const METHODS: [Method; 5] = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Delete];

fuzz_target!(|data: &[u8]| {
    let Some((choice, raw)) = data.split_first() else { return };
    let kind = Kind::ALL[usize::from(choice & 3) % Kind::ALL.len()];
    let method = METHODS[usize::from(choice >> 2) % METHODS.len()];
    let layout = Layout::new(kind, "/iceberg", "%1F").unwrap();
    // Most random bytes lie outside of the base path: they are also tried below it.
    let below = [b"/iceberg/v1/", raw].concat();
    for target in [raw, below.as_slice()] {
        let Ok(route) = route(method, target, &layout) else { continue };
        assert!(layout.owns(target));
        let path = target.split(|byte| *byte == b'?').next().unwrap();
        let text = std::str::from_utf8(path).expect("an accepted path is ASCII");
        assert!(text.is_ascii() && !text.contains("//") && !text.ends_with('/'));
        for segment in text.split('/').skip(1) {
            let plain = segment.to_ascii_lowercase().replace("%2e", ".");
            assert!(plain != "." && plain != "..", "a dot segment was accepted");
            assert!(!plain.contains("%2f") && !plain.contains("%5c") && !plain.contains("%00"));
        }
        for name in [route.prefix, route.namespace, route.object, route.extra].into_iter().flatten() {
            let decoded = name.decode();
            // Nessie writes the slash of a reference's name as %1F, in its prefix alone.
            let may_have_slash = kind == Kind::Nessie && Some(name) == route.prefix;
            assert!(!decoded.is_empty() && !decoded.contains('\0'));
            assert!(may_have_slash || !decoded.contains('/'));
            assert!(name.levels().all(|level| !level.is_empty()));
        }
    }
});
