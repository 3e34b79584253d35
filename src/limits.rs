//! Every cap of the gate, each with its reason. What an operator may change lives in the
//! configuration's `limits` block and takes its default from here.

use std::time::Duration;

/// Longest subject token. Envoy's own default for all headers together is 60 KiB; real access
/// tokens with many groups stay under 8 KiB.
pub const TOKEN_BYTES: usize = 16 * 1024;

/// Longest minted token: it becomes a header of the request to the catalog.
pub const MINTED_TOKEN_BYTES: usize = 16 * 1024;

/// Longest `:path`, query included. Envoy's own cap on all headers is 60 KiB.
pub const PATH_BYTES: usize = 16 * 1024;

/// Most names and storage locations of a body, levels of namespaces included. Each is kept and decided on;
/// a transaction over hundreds of tables has fewer.
pub const BODY_PLACES: usize = 10_000;

/// Longest answer of a token endpoint that is looked at.
pub const TOKEN_ANSWER_BYTES: usize = 64 * 1024;

/// Longest authorization server metadata document (Keycloak's has 6.5 KB).
pub const METADATA_BYTES: usize = 64 * 1024;

/// Longest JWK Set (Entra's has about 25 KB).
pub const KEY_SET_BYTES: usize = 256 * 1024;

/// Most keys of a set that are kept; the rest is skipped and noted.
pub const KEYS_PER_SET: usize = 64;

/// RSA moduli outside of 2048..=4096 bits are skipped: shorter ones are broken, longer ones make
/// each verification take tens of milliseconds in the VM, on a thread that serves everybody.
pub const RSA_MODULUS_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// Deepest nesting of a JSON document, so that a parser's recursion stays inside the VM's stack.
pub const JSON_DEPTH: usize = 32;

/// Most elements of an `aud` array that are looked at; a longer one is refused.
pub const AUDIENCES_PER_TOKEN: usize = 64;

/// Greatest leeway between the clocks of the gate and an issuer that a configuration may ask for.
pub const LEEWAY_MAX: Duration = Duration::from_secs(60);

/// Default leeway: clocks kept by NTP differ by less.
pub const LEEWAY: Duration = Duration::from_secs(30);

/// Verified callers kept per worker.
pub const CACHED_CALLERS: usize = 10_000;

/// Bytes of subject and minted tokens and of callers' claims kept per worker.
pub const CACHE_BYTES: usize = 64 * 1024 * 1024;

/// Longest life of a minted token in the cache. A logout or a lost role at the identity provider is
/// seen only when the cached token ends.
pub const MINTED_LIFE: Duration = Duration::from_secs(300);

/// Taken off every minted token's life, so that it does not end on its way to the catalog.
/// Never more than half of the life, so that short tokens are cached at all.
pub const MINTED_SKEW: Duration = Duration::from_secs(10);

/// How long a definite "no" of the identity provider about one token is remembered, so that a
/// client that tries again at once costs no exchange. Short: the next try may be allowed.
pub const REFUSED_LIFE: Duration = Duration::from_secs(3);

/// Requests parked per worker, whatever they wait for.
pub const WAITERS: usize = 4_096;

/// Requests parked per worker and issuer for its first key set. Nobody's signature can be verified until it
/// comes, so forged tokens wait there too: they must leave room for the people of other issuers.
pub const FIRST_KEYS_WAITERS: usize = 1_024;

/// Requests parked per worker and issuer for a key that the set does not have. Anybody can write a
/// `kid`: past this number such tokens are refused at once.
pub const UNKNOWN_KEY_WAITERS: usize = 256;

/// Requests and flights that woke for new keys and are verified in one turn of the host's event loop. A
/// signature takes 1 to 3 ms in the VM, on a thread that serves everybody: a turn stays under 50 ms.
pub const VERIFICATIONS_PER_TURN: usize = 16;

/// Exchanges under way per worker and issuer. The next ones wait in a row, which takes at most half of the
/// places for waiting requests.
pub const EXCHANGES_IN_FLIGHT: usize = 64;

/// Longest time that a request waits for keys and exchanges together, then it is refused as
/// "identity provider too slow". Far under Envoy's `stream_idle_timeout` (5 minutes).
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(10);

/// Timeout of one exchange at the token endpoint.
pub const EXCHANGE_TIMEOUT: Duration = Duration::from_secs(5);

/// Timeout of one fetch of metadata or keys.
pub const KEY_FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// A call of which the host has not told the end so long after its timeout is taken for lost: one
/// answer that never comes must not stop an issuer's keys, or one person's exchanges, for ever.
pub const CALL_LOST: Duration = Duration::from_secs(5);

/// Time between two background refreshes of a key set.
pub const KEY_REFRESH: Duration = Duration::from_secs(300);

/// Every so many refreshes of a key set begin with the issuer's metadata: endpoints move.
pub const METADATA_EVERY: u32 = 12;

/// Shortest time between two fetches that unknown `kid`s may cause.
pub const KEY_REFETCH: Duration = Duration::from_secs(5);

/// Longest time that the last good key set is used through an outage of the identity provider.
pub const KEY_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// After the catalog's 401 the minted token is dropped; not again for the same token and catalog
/// within this time, because a catalog that does not know the person answers 401 every time.
pub const CATALOG_REFUSAL_REST: Duration = Duration::from_secs(30);

/// First pause after a fault of an identity provider; doubled up to [`BACKOFF_MAX`].
pub const BACKOFF_MIN: Duration = Duration::from_millis(250);

/// Longest pause between two tries at an identity provider that is at fault.
pub const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// Longest `Retry-After` of an identity provider that is honoured. One probe a minute harms nobody,
/// and an absurd value must not shut the gate for years.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Most tenants of a configuration.
pub const TENANTS: usize = 4_096;

/// Most grants of a configuration, and most persons who are denied. A thousand tenants with twenty grants each
/// have 20,000.
pub const GRANTS: usize = 65_536;

/// Most programs that may call. Each is looked at when a token is verified.
pub const SERVICES: usize = 1_024;

/// Most ways to tokens of programs' own accounts, all together: one for each account, tenant and catalog.
pub const OWN_ACCOUNTS: usize = 16_384;

/// Most names that a program may say, and most that it may never say.
pub const SPOKEN_NAMES: usize = 4_096;

/// Longest such name, in bytes. User names of identity providers have at most 255 characters.
pub const SPOKEN_NAME_BYTES: usize = 1_024;

/// Most scopes that clients may ask the token endpoint for. Iceberg clients know two.
pub const SCOPES: usize = 64;

/// Most keys of the gate's own: two while one takes the other's place.
pub const ASSERTION_KEYS: usize = 4;

/// Longest time for which a program's good login is remembered.
pub const LOGIN_LIFE: Duration = Duration::from_secs(60);

/// Longest life of a gate token that clients are told of.
pub const GATE_TOKEN_LIFE: Duration = Duration::from_secs(3_600);

/// Longest time from a session's first gate token to its last refresh, where the identity provider has no session:
/// Keycloak's own default for sessions.
pub const SESSION_LIFE: Duration = Duration::from_secs(36_000);

/// Longest body of a request that is read where a rule depends on it. A commit has a few KB, one of thousands of
/// snapshots some hundred.
pub const REQUEST_BODY: usize = 4 * 1024 * 1024;

/// Longest answer of a catalog that is looked through. The metadata of a table with thousands of snapshots is
/// shorter.
pub const GUARDED_ANSWER: usize = 4 * 1024 * 1024;

/// Bytes of the catalogs' answers that one worker holds at a time, to look through them; they stand twice in memory
/// while they are changed. One that would be more counts as longer than what is looked through. The VM ends at 1 GiB.
pub const HELD_ANSWERS: usize = 128 * 1024 * 1024;

/// Longest time that a request waits for its own body, once all else is there. Far under Envoy's
/// `stream_idle_timeout`; a client that sends nothing for so long has gone.
pub const BODY_DEADLINE: Duration = Duration::from_secs(60);

/// Bytes of requests' bodies that are awaited at a time, all requests of a worker together; one that does not
/// announce its length counts as `request_body`. A body that grows piece by piece takes up to twice its size, and
/// the VM ends at 1 GiB.
pub const BODIES_BYTES: usize = 256 * 1024 * 1024;

/// The part of them that is there for requests whose token cannot be verified yet. Anybody can write such a token.
pub const STRANGERS_BODIES_BYTES: usize = 64 * 1024 * 1024;

/// How long a prefix that a catalog told is used before it is asked again.
pub const PREFIX_LIFE: Duration = Duration::from_secs(3_600);

/// Shortest time between two questions for one warehouse's prefix that were answered with nothing, or for one person
/// with a no.
pub const PREFIX_REST: Duration = Duration::from_secs(5);

/// Persons and warehouses of which the catalog's refusal to tell the prefix is remembered, for [`PREFIX_REST`]: a client
/// that hammers costs no call for each request.
pub const PREFIX_REFUSALS: usize = 1_024;

/// Longest answer to such a question that is read.
pub const PREFIX_ANSWER_BYTES: usize = 256 * 1024;

/// Longest prefix that is learned. Lakekeeper's has 36 characters, and each is kept as long as it is used.
pub const PREFIX_LENGTH: usize = 1_024;

/// Greatest `guarded_answer` that a configuration may ask for: two such answers, as they came and as they go on,
/// for a handful of streams, are within the VM's 1 GiB.
pub const GUARDED_ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// Names of what was taken out of one answer that a log line shows.
pub const REMOVED_NAMES: usize = 16;

/// Characters of such a name: the longest that any client knows has 60.
pub const REMOVED_NAME_LENGTH: usize = 64;

/// Most places of one request that an audit line names; a transaction may have thousands.
pub const AUDIT_PLACES: usize = 16;

/// Longest body of a token request that is read: two tokens of [`TOKEN_BYTES`], and as much again for the rest and its
/// encoding.
pub const TOKEN_REQUEST_BYTES: usize = 64 * 1024;

/// Most parameters of a token request, unknown ones included. Iceberg clients send seven; each is compared with
/// all before it.
pub const TOKEN_REQUEST_PARAMETERS: usize = 32;

/// Most `audience` and most `resource` parameters of a token request, the only ones that may stand there more than once.
pub const TOKEN_REQUEST_TARGETS: usize = 8;

/// Longest `client_id` that is read. Entra's has 36 characters.
pub const CLIENT_ID_BYTES: usize = 256;

/// Longest `client_secret` that is read. Those that servers draw have 32 to 80 characters.
pub const CLIENT_SECRET_BYTES: usize = 1_024;

/// Longest `scope` of a token request that is read.
pub const SCOPE_BYTES: usize = 4_096;

/// Longest life of an assertion that the gate signs: it is used at once, and once.
pub const ASSERTION_LIFE: Duration = Duration::from_secs(60);

/// Longest PEM text of a private key. One of RSA with 4096 bits has 3,300 characters.
pub const SIGNING_KEY_BYTES: usize = 16 * 1024;
/// Requests for tokens that wait per worker. Each holds a form of at most [`TOKEN_REQUEST_BYTES`].
pub const TOKEN_REQUESTS: usize = 1_024;

/// Bytes of their forms together, as announced: nobody is recognised before a form was read.
pub const TOKEN_REQUESTS_BYTES: usize = 16 * 1024 * 1024;

/// Grants under way per worker at which new ones are refused. Engines that come together share one each.
pub const GRANTS_IN_FLIGHT: usize = 256;

/// Of these, for one program's words, one program's logins, or one caller's own tokens: an engine that comes with all its
/// people at once leaves room for the others.
pub const GRANTS_OF_ONE: usize = 128;

/// Gate tokens that are kept per worker, so that an engine that asks again for the same person gets the same one.
pub const GATE_TOKENS_KEPT: usize = 4_096;

/// Bytes of these, with what is known of whom they name.
pub const GATE_TOKENS_BYTES: usize = 32 * 1024 * 1024;

/// Questions for gate tokens of which it is known that the identity provider said no, for [`REFUSED_LIFE`].
pub const GRANTS_REFUSED: usize = 1_024;

/// Gate tokens without a session at the identity provider of which it is known since when their chain lasts.
pub const GATE_TOKEN_ORIGINS: usize = 16_384;

/// Logins of which it is known that they were good, and as many that were not.
pub const LOGINS_KNOWN: usize = 4_096;

/// How long it is known that a login was good. It is asked again all the same; it only does not count as a try.
pub const GOOD_LOGIN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

/// How long it is known that a login was wrong. A secret may become the right one.
pub const WRONG_LOGIN_LIFE: Duration = Duration::from_secs(60);

/// Addresses, each with a client id, whose logins are counted.
pub const LOGIN_SOURCES: usize = 4_096;

/// Logins a second of one client id from one address that were not known to be good; ten seconds' may come at once. A
/// person who tries secrets needs no more, and a program knows its own.
pub const LOGINS_OF_SOURCE: u64 = 1;

/// The same from all addresses together.
pub const LOGINS_OF_SERVICE: u64 = 5;

/// Longest name of a person that an engine may say.
pub const SAID_NAME_BYTES: usize = 256;
