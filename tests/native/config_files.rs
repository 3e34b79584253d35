//! The files that are made from the configuration's own declaration: they are what the code says.
//! `ICEGATE_BLESS=1 cargo test --test native config_files` writes them.

use std::path::Path;

use icegate::config::{reference, schema};

pub(crate) fn holds(file: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("ICEGATE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, generated).expect("the file can be written");
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = held
        .lines()
        .zip(generated.lines())
        .position(|(held, generated)| held != generated);
    assert!(
        held == generated,
        "{file} is not what the code says (after line {:?}); ICEGATE_BLESS=1 writes it",
        differs.unwrap_or_default()
    );
}

#[test]
fn the_json_schema() {
    holds("envoy/icegate.schema.json", &schema());
}

#[test]
fn the_reference() {
    holds("docs/configuration.md", &reference());
}
