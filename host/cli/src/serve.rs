//! `sod serve`: decisions over HTTP and gRPC.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;
use miette::{Report, miette};
use sod_host::{OpenError, Runtime};
use sod_pack::{CompileOptions, Pack};
use sod_server::{
    Clock, Config, ConfigError, Ended, PackError, Reread, ServeError, Server, Source, Sources,
    telemetry,
};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, open};

/// Where the HTTP APIs are if nobody says anything.
const DEFAULT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8181);
/// Threads that wait for a disk or compile, besides those that decide.
const OTHER_THREADS: usize = 16;

/// Decide for those who ask over HTTP or gRPC
///
/// Each answer is a decision that is in the log. docs/server.md has every key of the configuration, docs/authzen.md
/// and docs/proxies.md what can be asked.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Examples:
  sod serve --pack policies/two-person-change
  sod serve --component payments.wasm --http 127.0.0.1:8181 --grpc 127.0.0.1:8182
  sod serve --config sod.toml --check
  sod serve --config sod.toml

Signals: TERM and INT answer what was asked and end, a second one ends at once; HUP loads packs, routes, certificates, keys and
tokens anew. Changed files are loaded by themselves. What cannot be used is refused, and what there was stays.

Environment: SOD_LOG says which events are written to stderr, as in `SOD_LOG=debug`.")]
pub(crate) struct Arguments {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// A pack folder to serve, by its folder's name; may be given more than once
    #[arg(long, value_name = "DIR")]
    pack: Vec<PathBuf>,

    /// A component to serve, by its file's name; may be given more than once
    #[arg(long, value_name = "FILE")]
    component: Vec<PathBuf>,

    /// Address of the HTTP APIs; a port alone is one of 127.0.0.1 [default, without --grpc: 127.0.0.1:8181]
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    http: Option<SocketAddr>,

    /// Address of the gRPC services; a port alone is one of 127.0.0.1
    #[arg(long, value_name = "ADDRESS", value_parser = address)]
    grpc: Option<SocketAddr>,

    /// Find out whether all of it could be served, and end
    #[arg(long)]
    check: bool,
}

fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    }
    text.parse().map_err(|_| {
        "it is no address with a port, like `127.0.0.1:8181` or `[::1]:8181`".to_owned()
    })
}

/// A pack folder, compiled each time it is loaded.
struct Folder(PathBuf);

impl Source for Folder {
    fn read(&self) -> Result<Vec<u8>, String> {
        let pack = Pack::open(&self.0).map_err(|findings| findings.to_string())?;
        sod_pack::compile(&pack, &CompileOptions::default()).map_err(|error| error.to_string())
    }

    fn watched(&self) -> Vec<PathBuf> {
        // A pack that is broken just now is watched by its own folder.
        let folders = Pack::open(&self.0).map(|pack| pack.folders().to_vec());
        folders.unwrap_or_else(|_| vec![self.0.clone()])
    }
}

/// A component file.
struct File(PathBuf);

impl Source for File {
    fn read(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0)
            .map_err(|error| format!("cannot read `{}`: {error}", self.0.display()))
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let (config, sources) = arguments.read()?;
    for path in config.pack.values().filter_map(|pack| pack.folder.as_ref()) {
        // For all that is wrong with it, each with its place.
        open::pack(&config.path(path))?;
    }
    let runtime = Runtime::builder()
        .concurrency(config.server.places())
        .for_many_decisions()
        .build()?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.server.threads())
        .max_blocking_threads(config.server.places() + OTHER_THREADS)
        .enable_all()
        .build()
        .map_err(|error| miette!("no threads: {error}"))?;
    if arguments.check {
        let _within = threads.enter();
        Server::check(&config, sources, runtime, Clock::system()).map_err(failure)?;
        output.note(&format!("{} can be served", packs(config.pack.len())));
        return Ok(exit::OK);
    }
    let again = arguments.clone();
    let reread: Reread = Box::new(move || again.read().map_err(|failure| failure.report));
    let ended = threads.block_on(serve(&config, sources, runtime, reread, output));
    // Somebody who still compiles is not waited for.
    threads.shutdown_background();
    match ended? {
        Ended::Answered | Ended::CutOff => Ok(exit::OK),
        Ended::AtOnce => Ok(exit::UNDECIDED),
    }
}

async fn serve(
    config: &Config,
    sources: Sources,
    runtime: Runtime,
    reread: Reread,
    output: &Output,
) -> Outcome<Ended> {
    let _telemetry =
        telemetry::start(&config.telemetry).map_err(|error| Report::from(config.locate(error)))?;
    let server = Server::start(config, sources, runtime, Clock::system())
        .await
        .map_err(failure)?;
    let listeners = [
        ("HTTP", server.http()),
        ("gRPC", server.grpc()),
        ("monitoring", server.monitoring()),
    ];
    for (what, address) in listeners {
        if let Some(address) = address {
            output.note(&format!("{what} on {address}"));
        }
    }
    server.run(reread).await.map_err(failure)
}

fn packs(count: usize) -> String {
    match count {
        1 => "1 pack".to_owned(),
        count => format!("{count} packs"),
    }
}

/// As for every other verb: a pin that does not hold is about integrity.
fn failure(error: ServeError) -> Failure {
    let exit = match &error {
        ServeError::Pack(PackError::Refused {
            source: OpenError::DigestMismatch { .. },
            ..
        }) => exit::INTEGRITY,
        _ => exit::UNDECIDED,
    };
    Failure {
        exit,
        report: error.into(),
    }
}

impl Arguments {
    /// The configuration file and the flags, together.
    fn read(&self) -> Outcome<(Config, Sources)> {
        let mut config = match &self.config {
            Some(path) => Config::read(path).map_err(Report::from)?,
            None => Config::default(),
        };
        let joined = self.join(&mut config);
        let sources = joined.and_then(|()| sources(&config));
        match sources {
            Ok(sources) => Ok((config, sources)),
            Err(error) => Err(Report::from(config.locate(error)).into()),
        }
    }

    fn join(&self, config: &mut Config) -> Result<(), ConfigError> {
        let server = &mut config.server;
        server.http = one("server.http", "--http", self.http, server.http)?;
        server.grpc = one("server.grpc", "--grpc", self.grpc, server.grpc)?;
        if server.http.is_none() && server.grpc.is_none() {
            server.http = Some(DEFAULT);
        }
        for (path, is_folder) in both(&self.pack, &self.component) {
            let name = named(path)?;
            if config.pack.contains_key(&name) {
                let problem = format!(
                    "`{}` would take the place of another pack of that name",
                    path.display()
                );
                let help = "give each pack a name of its own: rename it, or use `[pack.NAME]` in the configuration";
                return Err(contradiction(format!("pack.{name}"), problem, help));
            }
            let pack = config.pack.entry(name).or_default();
            // As the command line means it, wherever the configuration file is.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            if is_folder {
                pack.folder = Some(path);
            } else {
                pack.component = Some(path);
            }
        }
        Ok(())
    }
}

fn both<'a>(
    folders: &'a [PathBuf],
    files: &'a [PathBuf],
) -> impl Iterator<Item = (&'a PathBuf, bool)> {
    let folders = folders.iter().map(|path| (path, true));
    folders.chain(files.iter().map(|path| (path, false)))
}

/// What the flag or the file says, if they do not say different things.
fn one(
    key: &str,
    flag: &str,
    given: Option<SocketAddr>,
    configured: Option<SocketAddr>,
) -> Result<Option<SocketAddr>, ConfigError> {
    match (given, configured) {
        (Some(given), Some(configured)) if given != configured => {
            let problem = format!("it is {configured} here and {given} after `{flag}`");
            let help = format!("leave out one of them, `{flag}` or `{key}`");
            Err(contradiction(key.to_owned(), problem, &help))
        }
        _ => Ok(given.or(configured)),
    }
}

fn contradiction(key: String, problem: String, help: &str) -> ConfigError {
    let help = help.to_owned();
    ConfigError::Contradiction { key, problem, help }
}

fn sources(config: &Config) -> Result<Sources, ConfigError> {
    let mut sources = Sources::new();
    for (name, settings) in &config.pack {
        let key = format!("pack.{name}");
        let source: Box<dyn Source> = match (&settings.component, &settings.folder) {
            (Some(path), None) => Box::new(File(config.path(path))),
            (None, Some(_)) if settings.digest.is_some() => {
                let problem = "a digest pins a component, and this is a folder".to_owned();
                let help = "`sod build` the pack, and serve the component";
                return Err(contradiction(format!("{key}.digest"), problem, help));
            }
            (None, Some(path)) => Box::new(Folder(config.path(path))),
            (Some(_), Some(_)) => {
                let problem = "it has both a `component` and a `folder`".to_owned();
                return Err(contradiction(key, problem, "choose one"));
            }
            (None, None) => {
                let problem = "it has neither a `component` nor a `folder`".to_owned();
                return Err(contradiction(key, problem, "say where the pack is"));
            }
        };
        sources.insert(name.clone(), source);
    }
    Ok(sources)
}

fn named(path: &Path) -> Result<String, ConfigError> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let name = absolute.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        let problem = format!("`{}` has no name", path.display());
        contradiction(
            "pack".to_owned(),
            problem,
            "use `[pack.NAME]` in the configuration",
        )
    })
}
