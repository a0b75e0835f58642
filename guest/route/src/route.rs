//! A route as the operator writes it.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// `[[route]]`: which requests, and what they mean.
///
/// Texts marked as templates have parts in braces: `{deployment}` a parameter of the path, `{query.env}`,
/// `{header.x-team}`, `{jwt./login}` a claim by JSON pointer, `{mtls.spiffe}`, `{mtls.dns}`, `{mtls.common-name}`;
/// `{{` and `}}` are braces.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Route {
    /// What logs and answers call it; `METHODS PATH` without one.
    pub name: Option<String>,
    /// Methods, in capitals.
    pub methods: Vec<String>,
    /// Path template: `/api/deploys/{deployment}`, `/static/{*file}`.
    pub path: String,
    /// Hosts without port; any if there is none.
    pub hosts: Vec<String>,
    /// Headers that must have exactly this value.
    pub headers: BTreeMap<String, String>,
    /// What decides.
    pub decision: Decision,
    /// The pack that is asked; not needed where only one is served.
    pub pack: Option<String>,
    /// Who asks.
    pub principal: Option<EntityTemplate>,
    /// What they want to do; a text is of type `Action`.
    #[serde(deserialize_with = "action")]
    pub action: Option<EntityTemplate>,
    /// What they want to do it to.
    pub resource: Option<EntityTemplate>,
    /// Where the evidence is.
    pub evidence: Option<Evidence>,
    /// Headers for the upstream on allow: name and template.
    pub add_headers: BTreeMap<String, String>,
    /// Headers that are taken out of the client's request, always.
    pub remove_headers: Vec<String>,
    /// Headers that a client cannot set, because a proxy in front always overwrites them.
    pub headers_set_by_a_trusted_proxy: Vec<String>,
    /// Let it pass whatever the verdict, and only record it.
    pub shadow: bool,
}

/// What decides about a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Decision {
    /// A pack.
    #[default]
    Policy,
    /// Nothing: the operator lets such requests pass.
    Pass,
}

/// An entity with a template for its id.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct EntityTemplate {
    /// `Account`, `Bank::Person`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Template: `github:{jwt./login}`.
    pub id: String,
}

/// Where the evidence is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Evidence {
    /// The pack takes none.
    None,
    /// The body of the request, or a part of it.
    #[non_exhaustive]
    Body {
        /// JSON pointer to it; empty is the whole body.
        #[serde(default)]
        pointer: String,
        /// Who asks brings the evidence on which it is decided: the operator has to say so.
        #[serde(default)]
        believe_the_client: bool,
    },
    /// A header, in base64.
    #[non_exhaustive]
    Header {
        /// Its name.
        name: String,
        /// As for a body; not needed for a header that a trusted proxy sets.
        #[serde(default)]
        believe_the_client: bool,
    },
    /// A file.
    #[non_exhaustive]
    Directory {
        /// The folder.
        path: String,
        /// Template of the file's name: `{deployment}.json`.
        file: String,
    },
    /// A resource on the operator's network. Template, its parts only behind the host.
    Url(String),
}

/// `"deploy"`, or `{ type = "Bank::Action", id = "deploy" }`.
fn action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EntityTemplate>, D::Error> {
    struct Action;

    impl<'de> Visitor<'de> for Action {
        type Value = EntityTemplate;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an action: a text, or `type` and `id`")
        }

        fn visit_str<E: de::Error>(self, id: &str) -> Result<EntityTemplate, E> {
            Ok(EntityTemplate {
                type_name: "Action".to_owned(),
                id: id.to_owned(),
            })
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EntityTemplate, A::Error> {
            EntityTemplate::deserialize(de::value::MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_any(Action).map(Some)
}
