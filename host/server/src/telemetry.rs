//! Events on stderr, and spans for an OpenTelemetry collector.

use std::fmt;
use std::time::Duration;

use axum::http::{HeaderMap, Request};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use serde::Deserialize;
use tracing::{Dispatch, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::{EnvFilter, FilterFn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer, Registry, fmt as events};

use crate::config::ConfigError;
use crate::service::Decided;

/// Target of the one event of each request.
pub(crate) const ACCESS: &str = "sod::access";
/// Target of the one span of each request.
const REQUEST: &str = "sod::request";

/// `[telemetry]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Settings {
    /// Which events, as `tracing` has it: `info,sod::access=info`. The environment's `SOD_LOG` comes first.
    pub filter: String,
    /// How they are written.
    pub format: Format,
    /// OTLP over gRPC: where traces go, `http://127.0.0.1:4317`.
    pub otlp: Option<String>,
    /// Which part of the traces that begin here is sent, from 0 to 1. A caller's own choice comes first.
    pub sample: f64,
    /// What the collector calls this server.
    pub service: String,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            filter: "info,sod::access=warn".to_owned(),
            format: Format::Text,
            otlp: None,
            sample: 1.0,
            service: "sod".to_owned(),
        }
    }
}

/// How events are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One line for people.
    #[default]
    Text,
    /// One line of JSON.
    Json,
}

/// Telemetry that runs. When it is dropped, what is left is sent.
#[derive(Debug)]
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Drop for Telemetry {
    fn drop(&mut self) {
        if let Some(provider) = &self.0 {
            // A collector that is not there must not hold up the end.
            let _ = provider.shutdown_with_timeout(Duration::from_secs(2));
        }
    }
}

/// Begins to write events and to send spans, for the whole process. Called within a Tokio runtime.
///
/// # Errors
/// A filter or an address that means nothing.
pub fn start(settings: &Settings) -> Result<Telemetry, ConfigError> {
    let provider = settings.provider()?;
    // Somebody else's subscriber, if there is one already, is as good.
    let _ = settings.dispatch(provider.as_ref())?.try_init();
    Ok(Telemetry(provider))
}

impl Settings {
    /// Whether all of it means something.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.filter().map(drop)?;
        if !(0.0..=1.0).contains(&self.sample) {
            let help = "1 sends every trace, 0.01 one in a hundred";
            let problem = format!("`{}` is not from 0 to 1", self.sample);
            return Err(ConfigError::contradiction(
                "telemetry.sample",
                problem,
                help,
            ));
        }
        Ok(())
    }

    fn filter(&self) -> Result<EnvFilter, ConfigError> {
        let (key, text) = match std::env::var("SOD_LOG") {
            Ok(text) => ("SOD_LOG", text),
            Err(_) => ("telemetry.filter", self.filter.clone()),
        };
        EnvFilter::try_new(&text).map_err(|error| {
            let help = "for example `info`, `debug` or `info,sod::access=off`";
            ConfigError::contradiction(key, format!("`{text}` is no filter: {error}"), help)
        })
    }

    fn events(&self) -> Result<Box<dyn Layer<Registry> + Send + Sync>, ConfigError> {
        let events = events::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false);
        let filter = self.filter()?;
        Ok(match self.format {
            Format::Text => events.with_filter(without_spans(filter)).boxed(),
            Format::Json => events
                .json()
                .flatten_event(true)
                .with_current_span(false)
                .with_span_list(false)
                .with_filter(without_spans(filter))
                .boxed(),
        })
    }

    fn dispatch(&self, provider: Option<&SdkTracerProvider>) -> Result<Dispatch, ConfigError> {
        let events = tracing_subscriber::registry().with(self.events()?);
        let Some(provider) = provider else {
            // Not as a layer that is `None`: every span would be enabled.
            return Ok(events.into());
        };
        let spans = tracing_opentelemetry::layer()
            .with_tracer(provider.tracer("sod"))
            .with_filter(FilterFn::new(|metadata| metadata.target() == REQUEST));
        Ok(events.with(spans).into())
    }

    fn provider(&self) -> Result<Option<SdkTracerProvider>, ConfigError> {
        self.check()?;
        let Some(endpoint) = &self.otlp else {
            return Ok(None);
        };
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(endpoint)
            .with_timeout(Duration::from_secs(5))
            .build()
            .map_err(|error| {
                let help = "for example `http://127.0.0.1:4317`";
                let problem = format!("`{endpoint}` is no collector: {error}");
                ConfigError::contradiction("telemetry.otlp", problem, help)
            })?;
        let resource = Resource::builder().with_service_name(self.service.clone());
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(self.sample)));
        Ok(Some(
            SdkTracerProvider::builder()
                .with_batch_exporter(exporter)
                .with_sampler(sampler)
                .with_resource(resource.build())
                .build(),
        ))
    }
}

/// Spans are for the collector alone: the filter is of events.
fn without_spans<S>(filter: EnvFilter) -> impl tracing_subscriber::layer::Filter<S> + Send + Sync
where
    S: tracing::Subscriber + for<'a> tracing_subscriber::registry::LookupSpan<'a>,
{
    use tracing_subscriber::filter::FilterExt as _;
    filter.and(FilterFn::new(|metadata| metadata.target() != REQUEST))
}

/// The span of a request, below the caller's if there is one. Without a collector it is disabled and costs nothing.
pub(crate) fn span<B>(listener: &'static str, request: &Request<B>) -> Span {
    let span = tracing::info_span!(
        target: REQUEST,
        "request",
        otel.name = tracing::field::Empty,
        otel.kind = "server",
        listener,
        http.request.method = %request.method(),
        url.path = request.uri().path(),
        http.response.status_code = tracing::field::Empty,
        sod.decision.id = tracing::field::Empty,
        sod.pack = tracing::field::Empty,
        sod.effect = tracing::field::Empty,
    );
    if !span.is_disabled() {
        let name = format!("{} {}", request.method(), request.uri().path());
        span.record("otel.name", name);
        let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
        let _ = span.set_parent(parent);
    }
    span
}

/// What the current request's span says of a decision.
pub(crate) fn decided(decided: &Decided) {
    let span = Span::current();
    if !span.is_disabled() {
        span.record("sod.decision.id", tracing::field::display(decided.id));
        span.record("sod.pack", decided.pack.name.as_str());
        span.record("sod.effect", tracing::field::debug(decided.verdict.effect));
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}

impl fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Headers")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
    //! What nobody reads is not made.

    use super::*;

    #[test]
    fn only_with_a_collector_is_there_a_span() {
        let settings = Settings::default();
        let request = Request::new(());
        let provider = SdkTracerProvider::builder().build();
        for (provider, expected) in [(None, false), (Some(&provider), true)] {
            let dispatch = settings.dispatch(provider).unwrap();
            let span = tracing::dispatcher::with_default(&dispatch, || span("http", &request));
            assert_eq!(!span.is_disabled(), expected);
        }
    }
}
