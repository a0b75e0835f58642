//! The benchmark's workload: ten separation-of-duties rules for each of many
//! services, and requests for them, in plain Cedar, so that plain Cedar can be
//! measured on the very same bytes.

use fastrand::Rng;
use serde_json::{Value, json};
use sod_core::{Bundle, EntityUid, Mode, PackData, PolicySource, Request};

const SCHEMA: &str = r#"
entity Role;
entity Team;
entity Service in [Team];
entity User in [Role, Team] = { email: String, active: Bool };
entity Change in [Service] = {
  author: User, committers: Set<User>,
  approvals: Set<{ user: User, revision: String, role: String }>,
  head: String, risk: String, environment: String,
  qualified_approvers: Set<User>, qualified_approval_count: Long,
};
action review, approve, deploy appliesTo {
  principal: User, resource: Change,
  context: { freeze: Bool, incident?: String }
};
"#;

const USERS: [(&str, &[&str]); 10] = [
    ("u0", &["developer"]),
    ("u1", &["developer"]),
    ("bot", &[]),
    ("u3", &["reviewer"]),
    ("u4", &["reviewer"]),
    ("u5", &["reviewer"]),
    ("u6", &["security"]),
    ("u7", &["operations"]),
    ("u8", &["operations", "breakglass"]),
    ("u9", &["reviewer", "operations"]),
];
const ROLES: [&str; 5] = [
    "developer",
    "reviewer",
    "operations",
    "security",
    "breakglass",
];

/// Ten policies for each of `services` services.
pub fn bundle(services: usize) -> Bundle {
    let mut policies: Vec<PolicySource> = (0..services).flat_map(rules).collect();
    policies.sort_by(|a, b| a.id.cmp(&b.id));
    Bundle {
        name: "workload".to_owned(),
        version: "0.0.0".to_owned(),
        mode: Mode::Cedar,
        schema: SCHEMA.to_owned(),
        unchecked: false,
        policies,
        quorums: Vec::new(),
        data: PackData::default(),
    }
}

/// `count` requests over `services` services, with about 20 entities each.
pub fn requests(services: usize, count: usize) -> Vec<Request> {
    let mut rng = Rng::with_seed(20260);
    (0..count)
        .map(|n| request(&mut rng, n, n % services))
        .collect()
}

fn rules(service: usize) -> Vec<PolicySource> {
    let s = format!("resource in Service::\"svc-{service}\"");
    let sign = "action in [Action::\"review\", Action::\"approve\"]";
    let deploy = "action == Action::\"deploy\"";
    let role = |name: &str| format!("principal in Role::\"{name}\"");
    let texts = [
        format!("permit ({}, {sign}, {s});", role("reviewer")),
        format!("permit ({}, {sign}, {s});", role("security")),
        format!("forbid (principal, {sign}, {s}) when {{ principal == resource.author }};"),
        format!(
            "forbid (principal, {sign}, {s}) when {{ resource.committers.contains(principal) }};"
        ),
        format!(
            "permit ({}, {deploy}, {s}) when {{ resource.environment != \"production\" }};",
            role("operations")
        ),
        format!(
            "permit ({}, {deploy}, {s}) when {{ resource.environment == \"production\" && resource.qualified_approval_count >= 2 }};",
            role("operations")
        ),
        format!("forbid ({}, {deploy}, {s});", role("developer")),
        format!(
            "forbid (principal, {deploy}, {s}) when {{ resource.environment == \"production\" && (principal == resource.author || resource.committers.contains(principal) || resource.qualified_approvers.contains(principal)) }};"
        ),
        format!(
            "permit (principal == User::\"bot\", action == Action::\"approve\", {s}) when {{ resource.risk == \"low\" }};"
        ),
        format!(
            "forbid (principal, {deploy}, {s}) when {{ context.freeze }} unless {{ principal in Role::\"breakglass\" && context has incident && context.incident like \"INC-*\" }};"
        ),
    ];
    let source = |(n, text)| {
        let id = format!("svc-{service:03}-rule-{n}");
        PolicySource {
            text: format!("@id(\"{id}\")\n{text}"),
            pack: "workload".to_owned(),
            id,
        }
    };
    (0..).zip(texts).map(source).collect::<Vec<_>>()
}

fn request(rng: &mut Rng, n: usize, service: usize) -> Request {
    let action = ["review", "approve", "deploy", "deploy"];
    let action = action.get(n % 4).copied().unwrap_or_default();
    let principals: &[&str] = match action {
        "deploy" => &["u7", "u7", "u8", "u9", "u0"],
        _ => &["u3", "u4", "u5", "u6", "u0", "bot"],
    };
    let mut context = json!({ "freeze": rng.u8(0..4) == 0 });
    if rng.bool()
        && let Some(context) = context.as_object_mut()
    {
        context.insert("incident".to_owned(), json!("INC-4711"));
    }
    Request {
        principal: EntityUid::new("User", pick(rng, principals)),
        action: EntityUid::new("Action", action),
        resource: EntityUid::new("Change", format!("change-{n}")),
        now: None,
        evidence: None,
        entities: Some(entities(rng, n, service).to_string()),
        context: Some(context.to_string()),
    }
}

fn entities(rng: &mut Rng, n: usize, service: usize) -> Value {
    let author = pick(rng, &["u0", "u1", "u3", "u9"]);
    let other = pick(rng, &["u0", "u1", "u4", "u8"]);
    let committers: Vec<Value> = if author == other {
        vec![user(author)]
    } else {
        vec![user(author), user(other)]
    };
    let head = format!("{n:040x}");
    let signed = ["u3", "u4", "u6"]
        .iter()
        .filter(|u| **u != author && **u != other);
    let signed: Vec<&&str> = signed.take(rng.usize(1..=3)).collect();
    let approvals = signed.iter().map(|u| {
        let role = if **u == "u6" { "security" } else { "reviewer" };
        json!({ "user": user(u), "revision": head, "role": role })
    });
    let change = json!({
        "uid": { "type": "Change", "id": format!("change-{n}") },
        "parents": [{ "type": "Service", "id": format!("svc-{service}") }],
        "attrs": {
            "author": user(author), "committers": committers,
            "approvals": approvals.collect::<Vec<_>>(), "head": head,
            "risk": pick(rng, &["low", "medium", "high"]),
            "environment": pick(rng, &["production", "production", "staging"]),
            "qualified_approvers": signed.iter().map(|u| user(u)).collect::<Vec<_>>(),
            "qualified_approval_count": signed.len(),
        }
    });
    let service = json!({
        "uid": { "type": "Service", "id": format!("svc-{service}") },
        "parents": [{ "type": "Team", "id": "team-0" }], "attrs": {}
    });
    let plain =
        |ty: &str, id: &str| json!({ "uid": { "type": ty, "id": id }, "parents": [], "attrs": {} });
    let mut list = vec![change, service];
    list.extend(ROLES.iter().map(|role| plain("Role", role)));
    list.extend((0..3).map(|team| plain("Team", &format!("team-{team}"))));
    list.extend(USERS.iter().map(|(id, roles)| {
        let parents = roles.iter().map(|role| json!({ "type": "Role", "id": role }));
        let attrs = json!({ "email": format!("{id}@bank.example"), "active": true });
        json!({ "uid": { "type": "User", "id": id }, "parents": parents.collect::<Vec<_>>(), "attrs": attrs })
    }));
    Value::Array(list)
}

fn user(id: &str) -> Value {
    json!({ "__entity": { "type": "User", "id": id } })
}

fn pick<'a>(rng: &mut Rng, of: &[&'a str]) -> &'a str {
    rng.choice(of).copied().unwrap_or_default()
}
