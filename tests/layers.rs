//! Imports go downward only, and only the host names the proxy-wasm ABI.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test; its helpers are outside of its test functions"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// The layers of `docs/design.md`, lowest first.
const LAYERS: &[&[&str]] = &[
    &["clock", "limits", "secret", "text"],
    &["json", "wire"],
    &["iceberg", "jose", "oauth"],
    &["dialect"],
    &["config"],
    &["identity"],
    &["audit", "backoff", "exchange", "guard"],
    &["refusal"],
    &["cache", "policy", "telemetry"],
    &["broker"],
    &["host"],
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn layer(module: &str) -> usize {
    LAYERS
        .iter()
        .position(|modules| modules.contains(&module))
        .unwrap_or_else(|| panic!("module {module} stands in no layer of tests/layers.rs"))
}

/// The top-level module that a file belongs to; `None` for `lib.rs`.
fn module_of(file: &Path, root: &Path) -> Option<String> {
    let first = file
        .strip_prefix(root)
        .unwrap()
        .components()
        .next()
        .unwrap();
    let name = first
        .as_os_str()
        .to_str()
        .unwrap()
        .trim_end_matches(".rs")
        .to_owned();
    (name != "lib").then_some(name)
}

/// Every `crate::module` of a source text, comments and test code left out.
fn imports(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("#[cfg(test)]") {
            break;
        }
        let code = line.split("//").next().unwrap();
        for rest in code.split("crate::").skip(1) {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !name.is_empty() {
                found.push((number + 1, name));
            } else if let Some(group) = rest.strip_prefix('{') {
                panic!(
                    "line {}: write `use crate::module::...` instead of a group: {group}",
                    number + 1
                );
            }
        }
    }
    found
}

#[test]
fn imports_go_downward_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for file in sources(&root) {
        let Some(module) = module_of(&file, &root) else {
            continue;
        };
        if file.file_stem().is_some_and(|stem| stem == "tests") {
            continue;
        }
        let own = layer(&module);
        for (line, import) in imports(&fs::read_to_string(&file).unwrap()) {
            seen += 1;
            let theirs = layer(&import);
            let allowed = theirs < own || import == module;
            assert!(
                allowed,
                "{}:{line}: {module} imports {import}, which is not below it",
                file.display()
            );
        }
    }
    assert!(
        seen > 50,
        "only {seen} imports were found: this test no longer reads the sources"
    );
}

/// What a source has to write to speak the ABI: its functions, a foreign module, an export, a pointer.
const WORDS_OF_THE_ABI: &[&str] = &[
    "proxy_",
    "wasm_import_module",
    "extern \"C\"",
    "no_mangle",
    "unsafe_code",
];

#[test]
fn only_the_host_names_the_abi() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut missing = WORDS_OF_THE_ABI.to_vec();
    for file in sources(&root) {
        let text = fs::read_to_string(&file).unwrap();
        if module_of(&file, &root).as_deref() == Some("host") {
            missing.retain(|word| !text.contains(word));
            continue;
        }
        for word in WORDS_OF_THE_ABI.iter().chain(&["export_name"]) {
            assert!(!text.contains(word), "{} says {word}", file.display());
        }
    }
    assert!(
        missing.is_empty(),
        "nobody says {missing:?}: this test no longer reads the sources"
    );
}

#[test]
fn nobody_takes_the_abi_from_elsewhere() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    assert!(text.contains("\ngetrandom = "), "this is not the manifest");
    assert!(!text.contains("\nproxy-wasm"), "the ABI is src/host/'s own");
}

/// The filter must not be able to name a caller that nobody proved, nor anything else that explanations need.
#[test]
fn what_explanations_need_is_in_no_other_build() {
    const MARK: &str = "#[cfg(all(feature = \"cli\", not(target_arch = \"wasm32\")))]";
    // What the rest of the library knows of it: declarations, each behind the mark.
    const DECLARED: [&str; 4] = [
        "mod unproven;",
        "pub use unproven::Unproven;",
        "pub mod explain;",
        "const OF_NO_KEY: ",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut marked = 0;
    for file in sources(&root) {
        if file.ends_with("explain.rs") || file.ends_with("unproven.rs") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for (number, line) in lines.iter().enumerate() {
            if line.starts_with("//") {
                continue;
            }
            let declares = DECLARED.iter().any(|one| line.contains(one));
            let names = ["Unproven", "unproven", "OF_NO_KEY"];
            let word = |char: char| !(char.is_ascii_alphanumeric() || char == '_');
            let named = line.split(word).any(|word| names.contains(&word));
            let place = format!("{}:{}", file.display(), number + 1);
            if declares {
                assert_eq!(lines[number - 1], MARK, "{place}");
                marked += 1;
            } else {
                assert!(!named && !line.contains("explain::"), "{place}");
            }
        }
    }
    assert_eq!(marked, 5, "this test no longer finds what it looks for");
}

#[test]
fn the_host_stays_small() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/host");
    let code = |text: &str| {
        text.lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//"))
            .count()
    };
    // Declarations of functions, the host's and ours, and what makes values of their numbers decide nothing. Of the rest
    // some 90 lines are what an SDK would do, and some 280 take bodies out of Envoy's buffers and put them back.
    let plain = ["abi.rs", "exports.rs", "goes.rs", "imports.rs"];
    let lines: usize = sources(&root)
        .iter()
        .filter(|file| !plain.iter().any(|plain| file.ends_with(plain)))
        .map(|file| code(&fs::read_to_string(file).unwrap()))
        .sum();
    assert!(
        lines <= 900,
        "src/host/ has {lines} lines of code; what is no host call belongs elsewhere"
    );
}
