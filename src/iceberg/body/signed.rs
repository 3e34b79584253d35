//! The storage location that an address of the storage's HTTP API stands for.

use crate::iceberg::location::{amazon_service, is_open_host};

/// The location of a request that is to be signed: `s3://bucket/key` for `https://host/bucket/key`, and for
/// `https://bucket.s3.eu-central-1.amazonaws.com/key`. The query is no part of it; an address of a bucket as a whole
/// (a listing, a deletion of many) stands for the bucket.
///
/// A host with a dot that is not Amazon's may have the bucket in its name or in the path: an address there stands for
/// itself, `https://host:port/...`. What is no such address stays as it is, so that no location holds it: dot segments,
/// which some storages resolve, stay in the key and are refused there.
pub(super) fn location(uri: &str) -> String {
    match place(uri) {
        Some(Place::Key(bucket, key)) => format!("s3://{bucket}/{key}"),
        Some(Place::Address(authority, path)) => format!("https://{authority}/{path}"),
        None => uri.to_owned(),
    }
}

enum Place<'a> {
    Key(&'a str, &'a str),
    Address(&'a str, &'a str),
}

fn place(uri: &str) -> Option<Place<'_>> {
    let rest = uri
        .strip_prefix("https://")
        .or_else(|| uri.strip_prefix("http://"))?;
    let (authority, target) = rest.split_once('/').unwrap_or((rest, ""));
    let path = target.split_once('?').map_or(target, |(path, _)| path);
    if authority.contains(['@', '?', '#']) {
        return None;
    }
    let host = authority
        .split_once(':')
        .map_or(authority, |(host, _)| host);
    // Spelled otherwise it is the same host, and would not look like Amazon's.
    if host.ends_with('.') || host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    if is_open_host(host) {
        return Some(Place::Address(authority, path));
    }
    if let Some(service) = amazon_service(host) {
        // A bucket stands before the last `s3`, and may be called `s3-...` or `x.s3` itself.
        let end = service.rfind(".s3.").max(service.rfind(".s3-"));
        match end.max(service.strip_suffix(".s3").map(str::len)) {
            Some(end) => return Some(Place::Key(service.get(..end)?, path)),
            None if service == "s3" || service.starts_with("s3.") => {}
            None if service.starts_with("s3-") && !service.contains('.') => {}
            None => return None,
        }
    }
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    (!bucket.is_empty()).then_some(Place::Key(bucket, key))
}

#[cfg(test)]
mod tests {
    use super::location;

    #[test]
    fn addresses_and_their_locations() {
        for (address, expected) in [
            (
                "http://127.0.0.1:9000/acme/wh/t/a.parquet",
                "s3://acme/wh/t/a.parquet",
            ),
            ("https://minio/acme/wh?uploads=", "s3://acme/wh"),
            ("https://minio/acme?list-type=2&prefix=x", "s3://acme/"),
            ("https://minio/acme", "s3://acme/"),
            (
                "https://s3.eu-central-1.amazonaws.com/acme/k",
                "s3://acme/k",
            ),
            ("https://s3.amazonaws.com/acme/k", "s3://acme/k"),
            (
                "https://acme.s3.eu-central-1.amazonaws.com/wh/k",
                "s3://acme/wh/k",
            ),
            ("https://acme.s3.amazonaws.com/wh/k", "s3://acme/wh/k"),
            ("https://acme.s3-eu-west-1.amazonaws.com/k", "s3://acme/k"),
            // Not the bucket `acme` of a service `s3-globex`.
            (
                "https://s3-globex.s3.eu-central-1.amazonaws.com/acme/k",
                "s3://s3-globex/acme/k",
            ),
            (
                "https://s3-globex.s3.amazonaws.com/acme/k",
                "s3://s3-globex/acme/k",
            ),
            ("https://s3-eu-west-1.amazonaws.com/acme/k", "s3://acme/k"),
            (
                "https://s3.dualstack.eu-west-1.amazonaws.com/acme/k",
                "s3://acme/k",
            ),
            (
                "https://a.b.s3.dualstack.eu-west-1.amazonaws.com/k",
                "s3://a.b/k",
            ),
            (
                "https://a.s3.b.s3-eu-west-1.amazonaws.com/k",
                "s3://a.s3.b/k",
            ),
            ("https://x.s3.s3.amazonaws.com/k", "s3://x.s3/k"),
            // Whether the bucket is `globex` or `acme` is up to that host.
            (
                "https://globex.storage.example/acme/k?x=1",
                "https://globex.storage.example/acme/k",
            ),
            (
                "http://minio.example:9000/acme/wh/k",
                "https://minio.example:9000/acme/wh/k",
            ),
            ("https://127.1/acme/k", "https://127.1/acme/k"),
            // Left as they are: no location holds them.
            (
                "https://globex.S3.amazonaws.com/acme/k",
                "https://globex.S3.amazonaws.com/acme/k",
            ),
            (
                "https://globex.s3.amazonaws.com./acme/k",
                "https://globex.s3.amazonaws.com./acme/k",
            ),
            ("https://minio/acme/../globex/k", "s3://acme/../globex/k"),
            ("https://minio/", "https://minio/"),
            ("https://u@minio/acme/k", "https://u@minio/acme/k"),
            (
                "https://other.amazonaws.com/acme/k",
                "https://other.amazonaws.com/acme/k",
            ),
            ("ftp://minio/acme/k", "ftp://minio/acme/k"),
            ("s3://acme/k", "s3://acme/k"),
            ("", ""),
        ] {
            assert_eq!(location(address), expected, "{address}");
        }
    }
}
