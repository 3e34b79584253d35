//! `icegate check` of files that hold the filter somewhere, and what stands around it.

use expect_test::expect;

use crate::check::TENANTS;
use crate::run::{Ran, Tool, repository, says};

/// The lines of a run that are no part of a summary.
fn said(ran: &Ran) -> String {
    let is_summary = |line: &&str| {
        let label = line.get(..12).unwrap_or_default();
        let labels = [
            "issuers", "catalogs", "tenants", "grants", "services", "tokens", "contexts", "bodies",
            "secrets",
        ];
        !labels.contains(&label.trim_end())
    };
    let lines: Vec<&str> = ran.out.lines().filter(is_summary).collect();
    format!("{}\n-> {}", lines.join("\n"), ran.code)
}

/// A whole bootstrap with changes.
fn bootstrap(name: &str, changes: &[(&str, &str)]) -> String {
    edited(name, "bootstrap.yaml", changes)
}

fn edited(name: &str, file: &str, changes: &[(&str, &str)]) -> String {
    let mut text = repository(&format!("tests/cli/files/{file}"));
    for (from, to) in changes {
        assert!(text.contains(from), "{file} has {from}");
        text = text.replacen(from, to, 1);
    }
    let tool = Tool::new(name).file("envoy.yaml", text);
    said(&tool.run(&["check", "envoy.yaml"]))
}

#[test]
fn the_files_of_the_repository_are_good() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/envoy");
    let files = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = files
        .map(|file| {
            file.expect("a file")
                .file_name()
                .into_string()
                .expect("text")
        })
        .filter(|name| name.ends_with(".yaml"))
        .collect();
    names.sort();
    let mut checked = 0;
    for name in &names {
        let tool = Tool::new("repository").file("envoy.yaml", repository(&format!("envoy/{name}")));
        let said = said(&tool.run(&["check", "envoy.yaml"]));
        let lines: Vec<&str> = said.lines().collect();
        let (last, filters) = lines.split_last().expect("it says something");
        assert_eq!(*last, "-> 0", "{name}: {said}");
        assert!(!filters.is_empty(), "{name}");
        assert!(
            filters.iter().all(|line| line.ends_with(": ok")),
            "{name}: {said}"
        );
        checked += 1;
    }
    assert!(checked >= 4, "{names:?}");
}

#[test]
fn a_fault_is_named_with_its_place() {
    let said = bootstrap("place", &[("audiences: [icegate]", "audience: icegate")]);
    expect![[r#"
        listener gate, filter icegate (line 22): issuers.corp.audience: is unknown; did you mean audiences?
        listener gate, filter icegate (line 22): issuers.corp.audiences: must be set; without an audience tokens meant for somebody else would be accepted
        -> 1"#]].assert_eq(&said);
}

#[test]
fn the_failure_policy() {
    let policy = "failure_policy: FAIL_RELOAD";
    for (to, expected) in [
        (
            "failure_policy: 1",
            expect![[r#"
                listener gate, filter icegate (line 22): ok
                -> 0"#]],
        ),
        (
            "failure_policy: FAIL_OPEN",
            expect![[r#"
                listener gate, filter icegate (line 22): failure_policy: must not be FAIL_OPEN; what the gate should stop would pass when it fails
                -> 1"#]],
        ),
        (
            "failure_policy: 3",
            expect![[r#"
                listener gate, filter icegate (line 22): failure_policy: must not be FAIL_OPEN; what the gate should stop would pass when it fails
                -> 1"#]],
        ),
        (
            "failure_policy: FAIL_CLOSED",
            expect![[r#"
                listener gate, filter icegate (line 22): ok
                note: listener gate, filter icegate (line 22): failure_policy: is not FAIL_RELOAD: one fault of the VM would shut a worker until Envoy is restarted
                -> 0"#]],
        ),
        (
            "root_id: icegate",
            expect![[r#"
                listener gate, filter icegate (line 22): ok
                note: listener gate, filter icegate (line 22): failure_policy: is not FAIL_RELOAD: one fault of the VM would shut a worker until Envoy is restarted
                -> 0"#]],
        ),
        (
            "fail_open: true",
            expect![[r#"
                listener gate, filter icegate (line 22): fail_open: must not be true; what the gate should stop would pass when it fails
                note: listener gate, filter icegate (line 22): failure_policy: is not FAIL_RELOAD: one fault of the VM would shut a worker until Envoy is restarted
                -> 1"#]],
        ),
    ] {
        expected.assert_eq(&bootstrap("failure_policy", &[(policy, to)]));
    }
}

/// How the flag stands in `bootstrap.yaml`: for Envoy, and for the gate.
const SET: &str = "allow_on_headers_stop_iteration: true\n                        vm_config:";
const DECLARED: &str =
    "access: catalog_decides\n                            allow_on_headers_stop_iteration: true";

#[test]
fn the_flag_and_the_declaration_must_agree() {
    let unset = (SET, "vm_config:");
    let undeclared = (DECLARED, "access: catalog_decides");
    expect![[r#"
        listener gate, filter icegate (line 22): allow_on_headers_stop_iteration: must be true, as the filter's configuration says it is; Envoy would not let the gate hold bodies
        -> 1"#]].assert_eq(&bootstrap("flag", &[unset]));
    expect![[r#"
        listener gate, filter icegate (line 22): allow_on_headers_stop_iteration: must not be true, or the filter's configuration must say so, too; the gate cannot see it, and would not hold a body that it does not expect
        -> 1"#]].assert_eq(&bootstrap("flag", &[undeclared]));
    expect![[r#"
        listener gate, filter icegate (line 22): ok
        -> 0"#]]
    .assert_eq(&bootstrap("flag", &[unset, undeclared]));
    let no = (
        SET,
        "allow_on_headers_stop_iteration: false\n                        vm_config:",
    );
    expect![[r#"
        listener gate, filter icegate (line 22): ok
        -> 0"#]]
    .assert_eq(&bootstrap("flag", &[no, undeclared]));
}

#[test]
fn secrets_must_be_handed_to_the_vm() {
    let keys = "{host_env_keys: [ICEGATE_SECRET]}";
    expect![[r#"
        listener gate, filter icegate (line 22): vm_config.environment_variables.host_env_keys: must name ICEGATE_SECRET; the filter sees no other variables
        -> 1"#]].assert_eq(&bootstrap("keys", &[(keys, "{host_env_keys: [OTHER]}")]));
    expect![[r#"
        listener gate, filter icegate (line 22): vm_config.environment_variables.key_values.ICEGATE_SECRET: must not hold the secret; the configuration shows in Envoy's config_dump: name it in host_env_keys
        -> 1"#]].assert_eq(&bootstrap(
        "keys",
        &[(keys, "{key_values: {ICEGATE_SECRET: CANARY-written}}")],
    ));
}

#[test]
fn clusters_must_be_there_in_a_whole_bootstrap() {
    let renamed = [("    - name: idp", "    - name: keycloak")];
    expect![[r#"
        listener gate, filter icegate (line 22): issuers.corp.cluster: names no cluster of this file; every call through it would fail
        -> 1"#]].assert_eq(&bootstrap("clusters", &renamed));
    let dynamic = (
        "static_resources:",
        "dynamic_resources: {cds_config: {path_config_source: {path: c.yaml}}}\nstatic_resources:",
    );
    expect![[r#"
        listener gate, filter icegate (line 23): ok
        -> 0"#]]
    .assert_eq(&bootstrap("clusters", &[renamed[0], dynamic]));
}

/// Where the gate cannot look through the catalog's answers.
#[test]
fn host_must_be_kept() {
    let route = "route: {cluster: catalog, timeout: 60s}";
    let blind = [(SET, "vm_config:"), (DECLARED, "access: catalog_decides")];
    for (to, expected) in [
        (
            "route: {cluster: catalog, host_rewrite_literal: x}",
            expect![[r#"
                listener gate, filter icegate (line 22): route_config.virtual_hosts[0].routes[0].route.host_rewrite_literal: must not be set; catalogs build addresses from Host, and the gate cannot look through their answers without allow_on_headers_stop_iteration: clients would be led past the gate
                -> 1"#]],
        ),
        (
            "route: {cluster: catalog, auto_host_rewrite: true}",
            expect![[r#"
                listener gate, filter icegate (line 22): route_config.virtual_hosts[0].routes[0].route.auto_host_rewrite: must not be set; catalogs build addresses from Host, and the gate cannot look through their answers without allow_on_headers_stop_iteration: clients would be led past the gate
                -> 1"#]],
        ),
        (
            "route: {cluster: catalog, auto_host_rewrite: false}",
            expect![[r#"
                listener gate, filter icegate (line 22): ok
                -> 0"#]],
        ),
        (
            "route: {cluster: catalog, auto_host_rewrite: true}\n                          \
             typed_per_filter_config: {icegate: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}",
            expect![[r#"
                listener gate, filter icegate (line 23): ok
                -> 0"#]],
        ),
    ] {
        expected.assert_eq(&bootstrap("host", &[&blind[..], &[(route, to)]].concat()));
    }
    let to = "route: {cluster: catalog, host_rewrite_literal: x}";
    expect![[r#"
        listener gate, filter icegate (line 22): ok
        -> 0"#]]
    .assert_eq(&bootstrap("host", &[(route, to)]));
}

/// The configuration as text in a StringValue, in an EnvoyFilter with a TypedStruct.
#[test]
fn an_envoy_filter() {
    let configuration = r#"{"issuers": {}, "catalogs": {}, "access": "catalog_decides"}"#;
    let file = format!(
        r#"
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: icegate}}
spec:
  configPatches:
    - applyTo: HTTP_FILTER
      patch:
        operation: INSERT_BEFORE
        value:
          name: icegate
          typed_config:
            "@type": type.googleapis.com/udpa.type.v1.TypedStruct
            type_url: type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
            value:
              config:
                failure_policy: FAIL_RELOAD
                configuration:
                  "@type": type.googleapis.com/google.protobuf.StringValue
                  value: '{configuration}'
"#
    );
    let tool = Tool::new("envoy_filter").file("filter.yaml", file);
    says(
        &tool.run(&["check", "filter.yaml"]),
        &expect![[r#"
        EnvoyFilter icegate, filter icegate (line 17): catalogs: must hold at least one
        EnvoyFilter icegate, filter icegate (line 17): issuers: must hold at least one
        -> 1
    "#]],
    );
}

/// ECDS: a resource of its own. Two of ours, the second with tenants, and one of another plugin.
#[test]
fn several_filters_in_one_file() {
    let indented: String = TENANTS
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| format!("          {line}\n"))
        .collect();
    let file = format!(
        r#"
resources:
  - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
    name: first-gate
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        failure_policy: FAIL_RELOAD
        configuration: {{"@type": type.googleapis.com/google.protobuf.Struct, value: {{access: everybody, issuers: {{}}}}}}
  - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
    name: second-gate
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config:
        failure_policy: FAIL_RELOAD
        allow_on_headers_stop_iteration: true
        vm_config: {{environment_variables: {{host_env_keys: [ICEGATE_SECRET]}}}}
        configuration:
          "@type": type.googleapis.com/google.protobuf.Struct
          value:
{}
  - "@type": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig
    name: rate-limits
    typed_config:
      "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
      config: {{name: rates, configuration: {{"@type": type.googleapis.com/google.protobuf.StringValue, value: "5/s"}}}}
"#,
        indented.replace("\n          ", "\n            ").replacen(
            "          ",
            "            ",
            1
        )
    );
    let tool = Tool::new("several").file("ecds.yaml", file);
    says(
        &tool.run(&["check", "ecds.yaml"]),
        &expect![[r#"
            filter first-gate (line 8): access: must be one of catalog_decides, grants
            filter first-gate (line 8): catalogs: must be set; without a catalog every request would be refused
            filter first-gate (line 8): issuers: must hold at least one
            filter second-gate (line 15): ok
            issuers     corp
            catalogs    polaris (polaris)
            tenants     acme, other; warehouses: 3
            grants      4
            contexts    3 (ways to get a token)
            bodies      held where a rule depends on them; the catalog's answers are looked through
            secrets     ICEGATE_SECRET: not read, placeholders stand for them (--env reads them)
            note: Wasm filters of other plugins, which were not checked: 1
            -> 1
        "#]],
    );
    says(
        &tool.run(&["explain", "ecds.yaml", "--audit", "{}"]),
        &expect![[r#"
            ! icegate: several filters are meant; choose one with --filter:
            !   filter first-gate (line 8)
            !   filter second-gate (line 15)
            -> 2
        "#]],
    );
    says(
        &tool.run(&["explain", "ecds.yaml", "--filter", "third", "--audit", "{}"]),
        &expect![[r#"
            ! icegate: no filter's place holds the text of --filter:
            !   filter first-gate (line 8)
            !   filter second-gate (line 15)
            -> 2
        "#]],
    );
    says(
        &tool.run(&["explain", "ecds.yaml", "--filter", "first", "--audit", "{}"]),
        &expect![[r#"
            filter first-gate (line 8): access: must be one of catalog_decides, grants
            filter first-gate (line 8): catalogs: must be set; without a catalog every request would be refused
            filter first-gate (line 8): issuers: must hold at least one
            -> 1
        "#]],
    );
}

#[test]
fn the_filter_of_another_plugin_alone() {
    let file = r#"
name: rate-limits
typed_config:
  "@type": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm
  config: {name: rates, configuration: {"@type": type.googleapis.com/google.protobuf.StringValue, value: "5/s"}}
"#;
    let tool = Tool::new("another").file("filter.yaml", file);
    says(
        &tool.run(&["check", "filter.yaml"]),
        &expect![[r#"
        ! icegate: the file holds no configuration of the gate, but Wasm filters of other plugins: 1
        -> 2
    "#]],
    );
}

#[test]
fn istio() {
    let strategy = "failStrategy: FAIL_RELOAD";
    let variable = "- {name: ICEGATE_SECRET, valueFrom: HOST}";
    let access = "access: catalog_decides";
    for (from, to, expected) in [
        (
            strategy,
            "failStrategy: FAIL_OPEN",
            expect![[r#"
                WasmPlugin icegate (line 5): failStrategy: must not be FAIL_OPEN; what the gate should stop would pass when it fails
                -> 1"#]],
        ),
        (
            strategy,
            "priority: 1",
            expect![[r#"
                WasmPlugin icegate (line 5): ok
                note: WasmPlugin icegate (line 5): failStrategy: is not FAIL_RELOAD: one fault of the VM would shut a worker until its pod is restarted
                -> 0"#]],
        ),
        (
            variable,
            "- {name: ICEGATE_SECRET, value: CANARY-inline}",
            expect![[r#"
                WasmPlugin icegate (line 5): vmConfig.env.ICEGATE_SECRET: must have valueFrom: HOST; a value that is written here shows in Envoy's config_dump
                -> 1"#]],
        ),
        (
            variable,
            "- {name: OTHER, valueFrom: HOST}",
            expect![[r#"
                WasmPlugin icegate (line 5): vmConfig.env: must name ICEGATE_SECRET; the filter sees no other variables
                -> 1"#]],
        ),
        (
            access,
            "access: catalog_decides\n    allow_on_headers_stop_iteration: true",
            expect![[r#"
                WasmPlugin icegate (line 5): ok
                note: WasmPlugin icegate (line 5): allow_on_headers_stop_iteration: a WasmPlugin cannot set it, and the configuration says that it is true: set it by an EnvoyFilter
                -> 0"#]],
        ),
    ] {
        expected.assert_eq(&edited("istio", "istio.yaml", &[(from, to)]));
    }
    // With the patch that Istio needs, in the same file.
    let patched = "access: catalog_decides\n    allow_on_headers_stop_iteration: true\n---\n\
                   {apiVersion: v1, kind: EnvoyFilter, spec: {configPatches: [{patch: {value: {name: icegate, typed_config: \
                   {\"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm, \
                   config: {allow_on_headers_stop_iteration: true}}}}}]}}\n";
    expect![[r#"
        WasmPlugin icegate (line 5): ok
        -> 0"#]]
    .assert_eq(&edited("istio", "istio.yaml", &[(access, patched)]));
}

#[test]
fn envoy_gateway() {
    for (from, to, expected) in [
        (
            "failOpen: false",
            "failOpen: true",
            expect![[r#"
                EnvoyExtensionPolicy icegate, filter icegate (line 6): failOpen: must not be true; what the gate should stop would pass when it fails
                -> 1"#]],
        ),
        (
            "hostKeys: [ICEGATE_SECRET]",
            "hostKeys: []",
            expect![[r#"
                EnvoyExtensionPolicy icegate, filter icegate (line 6): env.hostKeys: must name ICEGATE_SECRET; the filter sees no other variables
                -> 1"#]],
        ),
        (
            "path: failure_policy",
            "path: root_id",
            expect![[r#"
                EnvoyExtensionPolicy icegate, filter icegate (line 6): ok
                note: EnvoyExtensionPolicy icegate, filter icegate (line 6): failure_policy: is not FAIL_RELOAD: one fault of the VM would shut a worker until Envoy is restarted
                -> 0"#]],
        ),
        (
            "value: FAIL_RELOAD",
            "value: FAIL_OPEN",
            expect![[r#"
                EnvoyExtensionPolicy icegate, filter icegate (line 6): failure_policy: must not be FAIL_OPEN; what the gate should stop would pass when it fails
                -> 1"#]],
        ),
        (
            "access: catalog_decides",
            "access: catalog_decides\n        allow_on_headers_stop_iteration: true",
            expect![[r#"
                EnvoyExtensionPolicy icegate, filter icegate (line 6): ok
                note: EnvoyExtensionPolicy icegate, filter icegate (line 6): allow_on_headers_stop_iteration: an EnvoyExtensionPolicy cannot set it, and the configuration says that it is true: set it by an EnvoyPatchPolicy
                -> 0"#]],
        ),
    ] {
        expected.assert_eq(&edited("gateway", "gateway.yaml", &[(from, to)]));
    }
}
