//! `docs/cli.md`: what it shows is what the tool prints.
//! `ICEGATE_BLESS=1 cargo test --features cli --test cli docs` writes it anew.

use std::path::Path;

use crate::run::{Tool, repository};

const PAGE: &str = "docs/cli.md";

#[test]
fn the_page_shows_what_the_tool_prints() {
    let page = repository(PAGE);
    let mut tool = Tool::new("docs").file("tenants.yaml", repository("envoy/tenants.yaml"));
    for (name, content) in files(&page) {
        tool = tool.file(name, content);
    }
    let mut commands = 0;
    let mut printed = String::new();
    let mut skips = false;
    for line in page.lines() {
        skips = skips && line != "```";
        if skips {
            continue;
        }
        printed.push_str(line);
        printed.push('\n');
        if let Some(command) = line.strip_prefix("$ icegate ") {
            printed.push_str(&run(&tool, command));
            skips = true;
            commands += 1;
        }
    }
    assert!(commands >= 4, "the page shows {commands} commands");
    if std::env::var_os("ICEGATE_BLESS").is_some_and(|value| value == "1") {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
        std::fs::write(path, &printed).expect("the page can be written");
        return;
    }
    let differs = page.lines().zip(printed.lines()).find(|(a, b)| a != b);
    assert_eq!(differs, None, "the page and the tool differ");
    assert_eq!(page.lines().count(), printed.lines().count());
}

/// The files that the page shows: `<!-- file: NAME -->`, then a block.
fn files(page: &str) -> impl Iterator<Item = (&str, &str)> {
    page.split("<!-- file: ").skip(1).map(|rest| {
        let (name, rest) = rest.split_once(" -->\n").expect("the mark ends");
        let (_, block) = rest.split_once('\n').expect("a block begins");
        let (content, _) = block.split_once("```").expect("the block ends");
        (name, content)
    })
}

/// Runs a command line with single quotes and `< FILE`.
fn run(tool: &Tool, command: &str) -> String {
    let (command, stdin) = match command.split_once(" < ") {
        Some((command, file)) => (command, tool.read(file)),
        None => (command, String::new()),
    };
    let mut arguments = Vec::new();
    for (number, part) in command.split('\'').enumerate() {
        if number % 2 == 1 {
            arguments.push(part);
        } else {
            arguments.extend(part.split_whitespace());
        }
    }
    let arguments: Vec<&str> = arguments
        .into_iter()
        .map(|word| word.strip_prefix("envoy/").unwrap_or(word))
        .collect();
    let ran = tool.run_with(&arguments, &stdin);
    assert_eq!(ran.err, "", "{command}");
    ran.out
}

/// Every configuration that the page of identity providers shows loads.
#[test]
fn the_identity_providers_configurations_load() {
    let page = repository("docs/identity-providers.md");
    let blocks = page.split("```yaml\n").skip(1);
    let mut profiles = Vec::new();
    for block in blocks {
        let (block, _) = block.split_once("```").expect("the block ends");
        let (_, profile) = block.split_once("profile: ").expect("a profile");
        let (profile, _) = profile.split_once('\n').expect("a line ends");
        let tool = Tool::new("identity_providers").file("gate.yaml", block);
        let ran = tool.run_with(&["check", "gate.yaml"], "");
        assert_eq!(
            (ran.err.as_str(), ran.code),
            ("", 0),
            "{profile}: {}",
            ran.out
        );
        profiles.push(profile);
    }
    assert_eq!(profiles, ["keycloak", "rfc8693", "entra", "okta", "auth0"]);
}
