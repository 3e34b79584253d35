//! Addresses of the catalog in its answers: which of them lead to the gate.

use crate::iceberg::is_plain_path;

use super::Terms;

/// What becomes of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Address {
    /// It leads to the gate.
    Pass,
    /// It leads elsewhere, but this is the same place at the gate.
    Instead(String),
    /// It leads elsewhere, or nobody can say where.
    Remove,
}

/// A base that clients put paths behind: the gate's own address, or one below it. There is nothing to put in its place:
/// clients without it use the address at which they found the gate.
pub(super) fn base(value: &str, terms: &Terms<'_>) -> Address {
    let value = value.trim_end_matches('/');
    let ours = terms.own_url.is_some_and(|own| {
        let own = own.trim_end_matches('/');
        value == own || below(value, own).is_some_and(is_plain)
    });
    if ours { Address::Pass } else { Address::Remove }
}

/// A base that its readers cannot do without.
pub(super) fn needed_base(value: &str, terms: &Terms<'_>) -> Address {
    match (base(value, terms), terms.own_url) {
        (Address::Remove, Some(own)) => Address::Instead([own.trim_end_matches('/'), "/"].concat()),
        (decided, _) => decided,
    }
}

/// An address of something below the catalog: absolute, or relative to the catalog's own.
///
/// Java puts `{uri}/` before every relative one, also before one with a slash (`RESTUtil.resolveEndpoint`); PyIceberg
/// makes two slashes of it; RFC 3986 leaves the catalog. Without the slash all three agree.
pub(super) fn endpoint(value: &str, terms: &Terms<'_>) -> Address {
    if let Some(path) = absolute_path(value) {
        let own = terms.own_url.map(|own| own.trim_end_matches('/'));
        if own.is_some_and(|own| below(value, own).is_some_and(is_plain)) {
            return Address::Pass;
        }
        // The catalog's own address, as it sees itself from behind the gate.
        return match (below(path, terms.base_path), own) {
            (Some(rest), Some(own)) if is_plain(rest) => {
                Address::Instead([own, "/", rest].concat())
            }
            (Some(rest), None) if is_relative(rest) => Address::Instead(rest.to_owned()),
            _ => Address::Remove,
        };
    }
    if is_relative(value) {
        return Address::Pass;
    }
    let rest = below(value, terms.base_path).or_else(|| value.strip_prefix('/'));
    match rest {
        Some(rest) if is_relative(rest) => Address::Instead(rest.to_owned()),
        _ => Address::Remove,
    }
}

/// The path of an `http` or `https` address. The scheme is the clients' spelling: what is no address to them is none here,
/// and is no relative one either.
fn absolute_path(value: &str) -> Option<&str> {
    let rest = value
        .strip_prefix("https://")
        .or_else(|| value.strip_prefix("http://"))?;
    Some(
        rest.find('/')
            .and_then(|at| rest.get(at..))
            .unwrap_or_default(),
    )
}

fn below<'v>(value: &'v str, base: &str) -> Option<&'v str> {
    value
        .strip_prefix(base.trim_end_matches('/'))?
        .strip_prefix('/')
}

fn is_plain(path: &str) -> bool {
    is_plain_path(path.as_bytes())
}

/// Its first segment is no scheme (RFC 3986 section 4.2).
fn is_relative(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    is_plain(path) && !first.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: Terms<'_> = Terms {
        own_url: Some("https://gate.example.com/iceberg"),
        base_path: "/iceberg",
        withhold_credentials: false,
        withhold_signing: false,
        prefix: None,
    };
    const UNKNOWN: Terms<'_> = Terms {
        own_url: None,
        ..OWN
    };

    fn instead(value: &str) -> Address {
        Address::Instead(value.to_owned())
    }

    #[test]
    fn a_base_is_ours_or_goes() {
        for ours in [
            "https://gate.example.com/iceberg",
            "https://gate.example.com/iceberg/",
            "https://gate.example.com/iceberg//",
            "https://gate.example.com/iceberg/main",
            "https://gate.example.com/iceberg/main/",
        ] {
            assert_eq!(base(ours, &OWN), Address::Pass, "{ours}");
            assert_eq!(base(ours, &UNKNOWN), Address::Remove, "{ours}");
        }
        for theirs in [
            "",
            "/",
            "http://gate.example.com/iceberg",
            "https://gate.example.com/iceberg2",
            "https://gate.example.com/",
            "https://gate.example.com:444/iceberg",
            "https://gate.example.com/iceberg@evil.test/",
            "https://gate.example.com/iceberg?x=/",
            "https://gate.example.com/iceberg/../other",
            "https://gate.example.com/iceberg/%2e%2e/other",
            "https://gate.example.com/iceberg/a//b",
            "https://gate.example.com/iceberg/a\\b",
            "https://gate.example.com/iceberg/ a",
            "https://gate.example.com.evil.test/iceberg",
            "HTTPS://gate.example.com/iceberg",
            " https://gate.example.com/iceberg",
            "https://evil.test/iceberg/",
            "http://127.0.0.1:19120/iceberg/",
            "//evil.test/iceberg",
        ] {
            assert_eq!(base(theirs, &OWN), Address::Remove, "{theirs}");
        }
    }

    #[test]
    fn a_base_that_is_needed_becomes_ours() {
        let own = "https://gate.example.com/iceberg/";
        assert_eq!(needed_base(own, &OWN), Address::Pass);
        assert_eq!(needed_base("http://evil.test/", &OWN), instead(own));
        assert_eq!(needed_base("http://evil.test/", &UNKNOWN), Address::Remove);
    }

    #[test]
    fn a_relative_endpoint_stays_below_the_catalog() {
        for path in [
            "v1/aws/s3/sign",
            "v1/main%7Cwarehouse/s3sign/H4sIAAAA_-w.AAA",
            "v1/lake/namespaces/a%1Fb/tables/t+1/credentials",
            "v1/main@abc/x:y",
            "v1",
        ] {
            assert_eq!(endpoint(path, &OWN), Address::Pass, "{path}");
            assert_eq!(endpoint(path, &UNKNOWN), Address::Pass, "{path}");
        }
        for (path, same) in [
            ("/v1/aws/s3/sign", "v1/aws/s3/sign"),
            ("/iceberg/v1/aws/s3/sign", "v1/aws/s3/sign"),
        ] {
            assert_eq!(endpoint(path, &OWN), instead(same), "{path}");
        }
        for path in [
            "",
            "/",
            "//evil.test/v1",
            "///evil.test",
            "/iceberg//evil.test",
            "v1//sign",
            "v1/sign/",
            "../v1/sign",
            "/../v1/sign",
            "v1/../../x",
            "v1/./x",
            "v1/%2e%2e/x",
            "v1/%2E./x",
            "v1/%252e%252e/x",
            "v1/a%2fb",
            "v1/a%5Cb",
            "v1/a\\b",
            "\\\\evil.test\\v1",
            "/\\evil.test",
            "v1/a%00",
            "v1/a%0d%0aHost:%20evil",
            "v1/a\r\nHost: evil",
            " v1/a",
            "v1/a ",
            "\tv1/a",
            "v1/a?x=1",
            "v1/a#x",
            "v1/a;x",
            "v1/a%",
            "v1/a%fe",
            "v1/\u{e9}",
            "?x",
            "#x",
            "@evil.test\\",
            "http:evil.test/v1",
            "HTTP://evil.test/v1",
            "javascript:alert",
            "ftp://evil.test/v1",
            "urn:x",
            "evil.test:80/v1",
        ] {
            assert_eq!(endpoint(path, &OWN), Address::Remove, "{path:?}");
            assert_eq!(endpoint(path, &UNKNOWN), Address::Remove, "{path:?}");
        }
    }

    #[test]
    fn an_absolute_endpoint_is_ours_or_becomes_ours_or_goes() {
        let own = "https://gate.example.com/iceberg/v1/aws/s3/sign";
        assert_eq!(endpoint(own, &OWN), Address::Pass);
        assert_eq!(endpoint(own, &UNKNOWN), instead("v1/aws/s3/sign"));
        for behind in [
            "http://127.0.0.1:19120/iceberg/v1/aws/s3/sign",
            "https://gate.example.com:444/iceberg/v1/aws/s3/sign",
            "https://evil.test/iceberg/v1/aws/s3/sign",
            "https://gate.example.com@evil.test/iceberg/v1/aws/s3/sign",
            "https:///iceberg/v1/aws/s3/sign",
        ] {
            assert_eq!(endpoint(behind, &OWN), instead(own), "{behind}");
            assert_eq!(
                endpoint(behind, &UNKNOWN),
                instead("v1/aws/s3/sign"),
                "{behind}"
            );
        }
        for lost in [
            "https://evil.test",
            "https://evil.test/",
            "https://evil.test/v1/aws/s3/sign",
            "https://evil.test/iceberg",
            "https://evil.test/iceberg/",
            "https://evil.test/iceberg2/v1/aws/s3/sign",
            "https://evil.test/x/iceberg/v1/aws/s3/sign",
            "https://gate.example.com/iceberg/../v1",
            "https://gate.example.com/iceberg/v1/%2e%2e/x",
            "https://gate.example.com/iceberg/v1?x",
            "https://gate.example.com/iceberg/v1#x",
            "https://gate.example.com/iceberg//v1",
            "https://",
        ] {
            assert_eq!(endpoint(lost, &OWN), Address::Remove, "{lost}");
            assert_eq!(endpoint(lost, &UNKNOWN), Address::Remove, "{lost}");
        }
    }

    #[test]
    fn a_catalog_at_the_root_has_no_base_path() {
        let terms = Terms {
            own_url: Some("https://gate.example.com"),
            base_path: "",
            ..OWN
        };
        assert_eq!(
            endpoint("http://catalog:8181/v1/x", &terms),
            instead("https://gate.example.com/v1/x")
        );
        assert_eq!(endpoint("/v1/x", &terms), instead("v1/x"));
        assert_eq!(
            endpoint("https://gate.example.com/v1/x", &terms),
            Address::Pass
        );
        assert_eq!(
            endpoint("https://gate.example.com.evil.test/v1/x", &terms),
            instead("https://gate.example.com/v1/x")
        );
        assert_eq!(base("https://gate.example.com/", &terms), Address::Pass);
        assert_eq!(
            base("https://gate.example.com.evil.test", &terms),
            Address::Remove
        );
    }
}
