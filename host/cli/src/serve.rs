//! `sod serve`: decisions over HTTP and gRPC.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use miette::miette;
use sod_pack::{CompileOptions, Pack};
use sod_server::{Clock, Config, Server, Source};

use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::{exit, open};

/// Decide for those who ask over HTTP or gRPC
#[derive(Debug, Args)]
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

    /// Address of the HTTP APIs
    #[arg(long, value_name = "ADDRESS")]
    http: Option<SocketAddr>,

    /// Address of the gRPC services
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<SocketAddr>,
}

/// A pack folder, compiled each time it is loaded.
struct Folder(PathBuf);

impl Source for Folder {
    fn read(&self) -> Result<Vec<u8>, String> {
        let pack = Pack::open(&self.0).map_err(|findings| findings.to_string())?;
        sod_pack::compile(&pack, &CompileOptions::default()).map_err(|error| error.to_string())
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

/// A component file.
struct File(PathBuf);

impl Source for File {
    fn read(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }

    fn watched(&self) -> Vec<PathBuf> {
        vec![self.0.clone()]
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Outcome<u8> {
    let mut config = match &arguments.config {
        Some(path) => {
            Config::read(path).map_err(|error| Failure::from(miette::Report::from(error)))?
        }
        None => Config::default(),
    };
    config.server.http = arguments.http.or(config.server.http);
    config.server.grpc = arguments.grpc.or(config.server.grpc);
    let mut sources: BTreeMap<String, Box<dyn Source>> = BTreeMap::new();
    for (name, settings) in &config.pack {
        if let Some(path) = &settings.component {
            sources.insert(name.clone(), Box::new(File(config.path(path))));
        } else if let Some(path) = &settings.folder {
            sources.insert(name.clone(), Box::new(Folder(config.path(path))));
        }
    }
    for path in &arguments.pack {
        let name = named(path)?;
        config.pack.entry(name.clone()).or_default();
        sources.insert(name, Box::new(Folder(path.clone())));
    }
    for path in &arguments.component {
        let name = named(path)?;
        config.pack.entry(name.clone()).or_default();
        sources.insert(name, Box::new(File(path.clone())));
    }
    let runtime = open::runtime(output)?;
    let threads = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| miette!("no threads: {error}"))?;
    threads.block_on(async {
        let server = Server::start(&config, sources, runtime, Clock::system())
            .await
            .map_err(miette::Report::from)?;
        if let Some(address) = server.http() {
            output.note(&format!("HTTP on {address}"));
        }
        if let Some(address) = server.grpc() {
            output.note(&format!("gRPC on {address}"));
        }
        let _ = tokio::signal::ctrl_c().await;
        server.stop().await;
        Ok(exit::OK)
    })
}

fn named(path: &std::path::Path) -> Outcome<String> {
    let name = path.file_stem().and_then(|name| name.to_str());
    name.map(str::to_owned)
        .ok_or_else(|| miette!("`{}` has no name", path.display()).into())
}
