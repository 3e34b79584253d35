//! Conditions, places and operations, as people read them. Whatever came from outside is made safe to show.

use icegate::config::{
    ClaimPath, Config, LevelPattern, ObjectPattern, Pattern, Service, TenantId, WarehouseId, WhoId,
};
use icegate::iceberg::{Noun, OperationSet};
use icegate::text::shown;

/// Grants, tenants, ... of which more in one line would help nobody.
pub(crate) const MOST: usize = 5;

/// Names with commas between them, at most so many.
pub(crate) fn list<T: AsRef<str>>(names: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut names = names.into_iter();
    let first: Vec<String> = names
        .by_ref()
        .take(most)
        .map(|name| shown(name.as_ref()))
        .collect();
    match (names.count(), first.is_empty()) {
        (0, true) => "none".to_owned(),
        (0, false) => first.join(", "),
        (more, _) => format!("{} and {more} more", first.join(", ")),
    }
}

/// `groups has /lake/analyst (corp)`.
pub(crate) fn who(config: &Config, id: WhoId) -> String {
    let Some(who) = config.whos.get(id) else {
        return "-".to_owned();
    };
    let issuer = config.issuers.get(usize::from(who.issuer.0));
    let issuer = issuer.map_or("-", |issuer| &issuer.name);
    let (claim, has) = (claim(&who.claim), shown(&who.has));
    match claim.as_str() {
        "sub" => format!("sub is {has} ({issuer})"),
        claim => format!("{claim} has {has} ({issuer})"),
    }
}

/// Several, of which one must hold.
pub(crate) fn whos(config: &Config, ids: &[WhoId]) -> String {
    match ids {
        [] => "nobody".to_owned(),
        ids => {
            let texts: Vec<String> = ids.iter().take(4).map(|id| who(config, *id)).collect();
            let more = ids.len().saturating_sub(texts.len());
            match more {
                0 => texts.join(", or "),
                more => format!("{}, or {more} more", texts.join(", or ")),
            }
        }
    }
}

pub(crate) fn claim(path: &ClaimPath) -> String {
    shown(&path.0.join("."))
}

pub(crate) fn tenant(config: &Config, id: TenantId) -> String {
    let tenant = config.tenant(id);
    tenant.map_or("-", |tenant| &tenant.name).to_owned()
}

/// `polaris/acme_raw`.
pub(crate) fn warehouse(config: &Config, id: WarehouseId) -> String {
    let names = config.warehouse(id).and_then(|warehouse| {
        let catalog = config.catalog(warehouse.catalog)?;
        Some(format!("{}/{}", catalog.name, shown(&warehouse.name)))
    });
    names.unwrap_or_else(|| "-".to_owned())
}

/// Where a grant holds: `polaris/acme_raw.sales.**`.
pub(crate) fn place(config: &Config, id: Option<WarehouseId>, pattern: Option<&Pattern>) -> String {
    let Some(id) = id else {
        return "everywhere within the border".to_owned();
    };
    let mut text = warehouse(config, id);
    let Some(pattern) = pattern else {
        return text;
    };
    for level in &pattern.levels {
        text.push('.');
        match level {
            LevelPattern::Any => text.push('*'),
            LevelPattern::Exactly(name) => text.push_str(&shown(name)),
        }
    }
    if pattern.subtree {
        text.push_str(".**");
    }
    if let Some((noun, name)) = &pattern.object {
        text.push('.');
        match name {
            ObjectPattern::Any => text.push('*'),
            ObjectPattern::Exactly(name) => text.push_str(&shown(name)),
        }
        text.push_str(match noun {
            Noun::View => " (view)",
            _ => " (table)",
        });
    } else if pattern.levels.is_empty() && !pattern.subtree {
        text.push_str(" (its root)");
    }
    text
}

/// What a grant allows.
pub(crate) fn operations(set: OperationSet) -> String {
    list(set.words(), 8)
}

/// A listed program, and what it may.
pub(crate) fn service(service: &Service) -> String {
    let mut text = format!(
        "listed as services.{}, which may only: {}",
        service.name,
        operations(service.may)
    );
    if !service.by_own_account.is_empty() {
        let own = operations(service.by_own_account);
        text.push_str(&format!("; by an account of its own: {own}"));
    }
    if let Some(peer) = &service.peer {
        let peer = shown(peer);
        text.push_str(&format!(
            "; only where its connection's certificate names {peer}"
        ));
    }
    text
}
