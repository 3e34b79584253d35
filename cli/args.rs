//! The command line.

use lexopt::{Arg, Parser, ValueExt};

use crate::loaded::Secrets;

/// What `--help` prints.
pub(crate) const USAGE: &str = "\
icegate: what the gate says of a configuration, and what it would decide on a request

  icegate check FILE
  icegate explain FILE (--claims FILE | --token FILE) REQUEST...
  icegate explain FILE --audit LINE

FILE holds a configuration of the gate: alone, as YAML or JSON; or anywhere in an Envoy bootstrap, a listener, an
EnvoyFilter, a WasmPlugin, an EnvoyExtensionPolicy. `-` is standard input, here and below.

check    prints every fault, one a line, or ok and what the configuration holds. Each filter of the file is also
         compared with what stands around it.
explain  prints who would call, what is wanted, and which grant decides on each demand; of a refusal, what the client
         would see, the nearest grants, and the group that would allow it. REQUEST is a request line,
         'GET /iceberg/v1/config?warehouse=sales'. Nothing is sent anywhere; no signature is checked.

  --env                read secrets from the environment; without it placeholders stand for them
  --filter TEXT        explain: of several filters, the one whose place holds this text
  --claims FILE        a token's claims, as JSON; where exp or aud is left out, the right one is taken
  --token FILE         a token; it is read and never shown
  --audit LINE         a line of the audit, in place of claims and REQUEST
  --header 'NAME: VALUE'
                       a header of the request; may be repeated
  --body FILE          the request's body
  --peer NAME          what the certificate of the client's connection names (services.NAME.who.peer)
  --prefix WAREHOUSE=PREFIX
                       what the catalog tells as a warehouse's prefix, where the gate would ask it; may be repeated
  -h, --help           this text
  -V, --version        the version

Exit codes: 0 no fault, forwarded; 1 faults; 2 no answer (wrong arguments, unreadable files); 3 refused.
";

/// What is to be done.
pub(crate) enum Command {
    Check(Check),
    Explain(Box<Explain>),
    Help,
    Version,
}

/// `icegate check`.
pub(crate) struct Check {
    pub(crate) file: String,
    pub(crate) secrets: Secrets,
}

/// `icegate explain`.
pub(crate) struct Explain {
    pub(crate) file: String,
    pub(crate) secrets: Secrets,
    pub(crate) filter: Option<String>,
    pub(crate) caller: Caller,
    pub(crate) requests: Vec<RequestLine>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
    pub(crate) peer: Option<String>,
    pub(crate) prefixes: Vec<(String, String)>,
}

/// Where it is said who calls: names of files, or the audit's line itself.
pub(crate) enum Caller {
    Claims(String),
    Token(String),
    Audit(String),
}

/// `GET /path`.
pub(crate) struct RequestLine {
    pub(crate) method: String,
    pub(crate) path: String,
}

#[derive(Default)]
struct Options {
    env: bool,
    filter: Option<String>,
    callers: Vec<Caller>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    peer: Option<String>,
    prefixes: Vec<(String, String)>,
    words: Vec<String>,
}

/// Reads the command line. The complaint never repeats a value, which may be a token in the wrong place.
pub(crate) fn read(mut parser: Parser) -> Result<Command, String> {
    let mut options = Options::default();
    while let Some(arg) = parser
        .next()
        .map_err(|_| "an option has a value that it does not take")?
    {
        match arg {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Short('V') | Arg::Long("version") => return Ok(Command::Version),
            Arg::Long("env") => options.env = true,
            Arg::Long("filter") => options.filter = Some(value(&mut parser, "--filter")?),
            Arg::Long("claims") => {
                let file = value(&mut parser, "--claims")?;
                options.callers.push(Caller::Claims(file));
            }
            Arg::Long("token") => {
                let file = value(&mut parser, "--token")?;
                options.callers.push(Caller::Token(file));
            }
            Arg::Long("audit") => {
                let line = value(&mut parser, "--audit")?;
                options.callers.push(Caller::Audit(line));
            }
            Arg::Long("body") => options.body = Some(value(&mut parser, "--body")?),
            Arg::Long("peer") => options.peer = Some(value(&mut parser, "--peer")?),
            Arg::Long("header") => {
                let header = value(&mut parser, "--header")?;
                let (name, value) = header
                    .split_once(':')
                    .ok_or("--header must be 'NAME: VALUE'")?;
                let name = name.trim().to_ascii_lowercase();
                options.headers.push((name, value.trim().to_owned()));
            }
            Arg::Long("prefix") => {
                let pair = value(&mut parser, "--prefix")?;
                let (warehouse, prefix) = pair
                    .split_once('=')
                    .ok_or("--prefix must be WAREHOUSE=PREFIX")?;
                options
                    .prefixes
                    .push((warehouse.to_owned(), prefix.to_owned()));
            }
            Arg::Value(word) => options.words.push(word.string().map_err(|_| NOT_TEXT)?),
            Arg::Long(name) => return Err(unknown(name)),
            Arg::Short(_) => return Err(unknown("")),
        }
    }
    let mut words = std::mem::take(&mut options.words).into_iter();
    let command = words.next();
    match command.as_deref() {
        Some("check") => check(words, options),
        Some("explain") => explain(words, options),
        Some(_) => Err("the command must be check or explain".to_owned()),
        None => Err("a command must be given: check or explain".to_owned()),
    }
}

const NOT_TEXT: &str = "an argument is not UTF-8";

fn value(parser: &mut Parser, option: &str) -> Result<String, String> {
    let value = parser
        .value()
        .map_err(|_| format!("{option} must have a value"))?;
    value.string().map_err(|_| NOT_TEXT.to_owned())
}

/// An option's name is repeated where it looks like one.
fn unknown(name: &str) -> String {
    let is_name = |char: char| char.is_ascii_lowercase() || char == '-';
    match (1..=16).contains(&name.len()) && name.chars().all(is_name) {
        true => format!("--{name} is unknown"),
        false => "there is an option that is unknown".to_owned(),
    }
}

fn secrets(options: &Options) -> Secrets {
    match options.env {
        true => Secrets::Environment,
        false => Secrets::Placeholders,
    }
}

fn check(mut words: impl Iterator<Item = String>, options: Options) -> Result<Command, String> {
    let file = words.next().ok_or("check: a file must be named")?;
    let alone = options.callers.is_empty()
        && options.headers.is_empty()
        && options.prefixes.is_empty()
        && options.body.is_none()
        && options.peer.is_none()
        && options.filter.is_none();
    match words.next() {
        None if alone => Ok(Command::Check(Check {
            file,
            secrets: secrets(&options),
        })),
        None => Err("check takes no option but --env".to_owned()),
        Some(_) => Err("check takes one file".to_owned()),
    }
}

fn explain(mut words: impl Iterator<Item = String>, options: Options) -> Result<Command, String> {
    let file = words.next().ok_or("explain: a file must be named")?;
    let secrets = secrets(&options);
    let requests = request_lines(words)?;
    let mut callers = options.callers.into_iter();
    let (Some(caller), None) = (callers.next(), callers.next()) else {
        return Err("explain: one of --claims, --token and --audit must be given".to_owned());
    };
    match (&caller, requests.as_slice()) {
        (Caller::Audit(_), [])
            if options.headers.is_empty() && options.body.is_none() && options.peer.is_none() => {}
        (Caller::Audit(_), _) => {
            return Err("explain: an audit line goes without a request, it has its own".to_owned());
        }
        (_, []) => {
            return Err("explain: a request must be given, as in 'GET /v1/config'".to_owned());
        }
        (_, [_, _, ..]) if options.body.is_some() => {
            return Err("explain: --body goes with one request".to_owned());
        }
        _ => {}
    }
    let stdin = match &caller {
        Caller::Claims(name) | Caller::Token(name) | Caller::Audit(name) => name == "-",
    };
    let stdins = [stdin, file == "-", options.body.as_deref() == Some("-")];
    if stdins.into_iter().filter(|is| *is).count() > 1 {
        return Err("standard input (-) can be read once".to_owned());
    }
    Ok(Command::Explain(Box::new(Explain {
        file,
        secrets,
        filter: options.filter,
        caller,
        requests,
        headers: options.headers,
        body: options.body,
        peer: options.peer,
        prefixes: options.prefixes,
    })))
}

/// Request lines, each as one word or as two: `'GET /path'` or `GET /path`.
fn request_lines(mut words: impl Iterator<Item = String>) -> Result<Vec<RequestLine>, String> {
    const FORM: &str = "a request must be a method and a path, as in 'GET /v1/config'";
    let mut lines = Vec::new();
    while let Some(word) = words.next() {
        let (method, path) = match word.split_once(' ') {
            Some((method, path)) => {
                let path = path.trim();
                let path = path.strip_suffix(" HTTP/1.1").unwrap_or(path);
                (method.to_owned(), path.to_owned())
            }
            None => (word, words.next().ok_or(FORM)?),
        };
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        if !is_method || !path.starts_with('/') {
            return Err(FORM.to_owned());
        }
        lines.push(RequestLine { method, path });
    }
    Ok(lines)
}
