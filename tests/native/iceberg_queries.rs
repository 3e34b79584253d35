//! What queries name: a table of spellings, each with what the gate makes of it.

use icegate::iceberg::{Kind, Layout, Method, PathFault, Query, read_query, route};

const TABLE: &str = include_str!("golden/iceberg/queries.txt");

/// `warehouse="w" parent=[a,b]`; `-` for nothing.
fn shown(query: &Query) -> String {
    let mut parts = Vec::new();
    if let Some(warehouse) = &query.warehouse {
        parts.push(format!("warehouse={warehouse:?}"));
    }
    if let Some(parent) = &query.parent {
        parts.push(format!("parent=[{}]", parent.join(",")));
    }
    for view in &query.referenced_by {
        parts.push(format!("view=[{}].{}", view.namespace.join(","), view.name));
    }
    if let Some(target) = &query.target {
        let name = target.name.as_deref().unwrap_or("*");
        parts.push(format!("target=[{}].{name}", target.namespace.join(",")));
    }
    if parts.is_empty() {
        return "-".to_owned();
    }
    parts.join(" ")
}

fn layout(name: &str) -> Layout {
    let (kind, separator) = match name {
        "iceberg" => (Kind::Iceberg, "%1F"),
        "iceberg-dot" => (Kind::Iceberg, "%2E"),
        "iceberg-comma" => (Kind::Iceberg, "%2C"),
        "nessie" => (Kind::Nessie, "%1F"),
        "polaris" => (Kind::Polaris, "%1F"),
        "lakekeeper" => (Kind::Lakekeeper, "%1F"),
        other => panic!("no layout {other}"),
    };
    Layout::new(kind, "", separator).expect("a layout")
}

fn path(operation: &str, layout: &Layout) -> String {
    let prefix = if layout.kind() == Kind::Iceberg {
        ""
    } else {
        "/p"
    };
    match operation {
        "config" => "/v1/config".to_owned(),
        "namespaces" => format!("/v1{prefix}/namespaces"),
        "table" => format!("/v1{prefix}/namespaces/a/tables/t"),
        "view" => format!("/v1{prefix}/namespaces/a/views/v"),
        "tables" => format!("/v1{prefix}/namespaces/a/tables"),
        "policies" => format!("/polaris/v1{prefix}/applicable-policies"),
        other => panic!("no operation {other}"),
    }
}

#[test]
fn the_table() {
    let (mut wrong, mut lines) = (Vec::new(), 0);
    for line in TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (request, expected) = line.split_once(" => ").expect("an expectation");
        let mut parts = request.splitn(3, ' ');
        let (Some(name), Some(operation), Some(query)) = (parts.next(), parts.next(), parts.next())
        else {
            panic!("not a request: {line}");
        };
        let layout = layout(name);
        let target = format!("{}?{query}", path(operation, &layout));
        let actual = route(Method::Get, target.as_bytes(), &layout)
            .and_then(|route| read_query(&route, &layout))
            .map_or_else(|fault| fault.name().to_owned(), |query| shown(&query));
        if actual != expected {
            wrong.push(format!("{line}\n  but it was: {actual}"));
        }
        lines += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines > 80, "{lines}");
    for fault in PathFault::ALL
        .iter()
        .filter(|fault| fault.name().starts_with("path_query_"))
    {
        let ending = format!("=> {}", fault.name());
        assert!(
            TABLE.lines().any(|line| line.ends_with(&ending)),
            "no line for {fault:?}"
        );
    }
}
