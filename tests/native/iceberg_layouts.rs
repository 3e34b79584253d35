//! Base paths and separators, and the error body.

use icegate::iceberg::{ErrorType, Kind, Layout, LayoutFault, error_body};

#[test]
fn base_paths() {
    for good in [
        "",
        "/iceberg",
        "/api/catalog",
        "/api/2.1/unity-catalog/iceberg",
        "/_iceberg",
        "/a~b",
    ] {
        let layout = Layout::new(Kind::Iceberg, good, "%1F").expect(good);
        assert_eq!(layout.base_path(), good);
    }
    for (bad, fault) in [
        ("/", LayoutFault::BasePathTrailingSlash),
        ("/iceberg/", LayoutFault::BasePathTrailingSlash),
        ("iceberg", LayoutFault::BasePathNotAbsolute),
        ("http://x/iceberg", LayoutFault::BasePathNotAbsolute),
        ("//iceberg", LayoutFault::BasePathSegment),
        ("/a//b", LayoutFault::BasePathSegment),
        ("/a/../b", LayoutFault::BasePathSegment),
        ("/./b", LayoutFault::BasePathSegment),
        ("/a%62", LayoutFault::BasePathCharacter),
        ("/a b", LayoutFault::BasePathCharacter),
        ("/a;b", LayoutFault::BasePathCharacter),
        ("/a?b", LayoutFault::BasePathCharacter),
        ("/a+b", LayoutFault::BasePathCharacter),
        ("/ä", LayoutFault::BasePathCharacter),
    ] {
        assert_eq!(Layout::new(Kind::Iceberg, bad, "%1F"), Err(fault), "{bad}");
    }
}

#[test]
fn separators() {
    for (good, canonical) in [
        ("%1F", "%1F"),
        ("%1f", "%1F"),
        ("%2e", "%2E"),
        ("%24", "%24"),
        ("%7c", "%7C"),
    ] {
        let layout = Layout::new(Kind::Iceberg, "", good).expect(good);
        assert_eq!(layout.separator(), canonical);
    }
    for (bad, fault) in [
        ("", LayoutFault::SeparatorForm),
        (".", LayoutFault::SeparatorForm),
        ("\u{1f}", LayoutFault::SeparatorForm),
        ("%1", LayoutFault::SeparatorForm),
        ("%1F%1F", LayoutFault::SeparatorForm),
        ("%+f", LayoutFault::SeparatorForm),
        ("%é", LayoutFault::SeparatorForm),
        ("%2F", LayoutFault::SeparatorCharacter),
        ("%5C", LayoutFault::SeparatorCharacter),
        ("%25", LayoutFault::SeparatorCharacter),
        ("%3B", LayoutFault::SeparatorCharacter),
        ("%2B", LayoutFault::SeparatorCharacter),
        ("%61", LayoutFault::SeparatorCharacter),
        ("%00", LayoutFault::SeparatorCharacter),
        ("%C3", LayoutFault::SeparatorCharacter),
    ] {
        assert_eq!(Layout::new(Kind::Iceberg, "", bad), Err(fault), "{bad}");
    }
    for kind in [Kind::Nessie, Kind::Polaris, Kind::Lakekeeper] {
        assert_eq!(
            Layout::new(kind, "", "%2E"),
            Err(LayoutFault::SeparatorIsFixed)
        );
    }
}

#[test]
fn kinds_have_names() {
    for (kind, name) in [
        (Kind::Iceberg, "iceberg"),
        (Kind::Nessie, "nessie"),
        (Kind::Polaris, "polaris"),
        (Kind::Lakekeeper, "lakekeeper"),
    ] {
        assert_eq!(kind.name(), name);
        assert_eq!(Kind::from_name(name), Some(kind));
    }
    assert_eq!(Kind::from_name("Nessie"), None);
}

#[test]
fn the_border_of_a_base_path_is_exact() {
    let nessie = Layout::new(Kind::Nessie, "/iceberg", "%1F").expect("a layout");
    for inside in [
        "/iceberg",
        "/iceberg/",
        "/iceberg/x",
        "/iceberg?x",
        "/iceberg//",
        "/iceberg/../x",
    ] {
        assert!(nessie.owns(inside.as_bytes()), "{inside}");
    }
    for outside in [
        "",
        "/",
        "/icebergs",
        "/iceberg%2Fv1",
        "/iceberg;x/v1",
        "/iceberg#",
        "/Iceberg/v1",
        "//iceberg/v1",
        "/x/iceberg/v1",
        "iceberg/v1",
    ] {
        assert!(!nessie.owns(outside.as_bytes()), "{outside}");
    }
    let root = Layout::new(Kind::Iceberg, "", "%1F").expect("a layout");
    assert!(root.owns(b"/v1/config"));
    assert!(!root.owns(b"http://x/v1/config"));
}

#[test]
fn error_bodies_are_the_specs() {
    for (error, expected) in [
        (
            ErrorType::BadRequest,
            r#"{"error":{"code":400,"message":"m","type":"BadRequestException"}}"#,
        ),
        (
            ErrorType::NotAuthorized,
            r#"{"error":{"code":401,"message":"m","type":"NotAuthorizedException"}}"#,
        ),
        (
            ErrorType::Forbidden,
            r#"{"error":{"code":403,"message":"m","type":"ForbiddenException"}}"#,
        ),
        (
            ErrorType::NotFound,
            r#"{"error":{"code":404,"message":"m","type":"NotFoundException"}}"#,
        ),
        (
            ErrorType::NoSuchView,
            r#"{"error":{"code":404,"message":"m","type":"NoSuchViewException"}}"#,
        ),
        (
            ErrorType::TooManyRequests,
            r#"{"error":{"code":429,"message":"m","type":"TooManyRequestsException"}}"#,
        ),
        (
            ErrorType::ServiceUnavailable,
            r#"{"error":{"code":503,"message":"m","type":"ServiceUnavailableException"}}"#,
        ),
    ] {
        assert_eq!(
            String::from_utf8(error_body("m", error)).expect("UTF-8"),
            expected
        );
    }
    assert_eq!(
        String::from_utf8(error_body("\"quoted\"\n", ErrorType::Forbidden)).expect("UTF-8"),
        r#"{"error":{"code":403,"message":"\"quoted\"\n","type":"ForbiddenException"}}"#
    );
}
