//! Takes out of a loaded module what was there to load it.

use std::collections::BTreeSet;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{CodeSection, ExportSection, Function, Module};
use wasmparser::{
    BinaryReaderError, ElementItems, Export, ExternalKind, FunctionBody, Operator, OperatorsReader,
    Parser, Payload,
};

use super::{CompileError, INTERFACE};

/// Without the exports of the loader, and with nothing in the functions that only the loader called.
pub(super) fn seal(module: &[u8]) -> Result<Vec<u8>, CompileError> {
    let unusable = |error: &dyn std::fmt::Display| CompileError::engine(error);
    let reachable = reachable(module).map_err(|error| unusable(&error))?;
    let mut sealed = Module::new();
    Seal { reachable, next: 0 }
        .parse_core_module(&mut sealed, Parser::new(0), module)
        .map_err(|error| unusable(&error))?;
    Ok(sealed.finish())
}

/// What a component needs of its core module: the interface, memory, and what the canonical ABI calls.
fn stays(name: &str) -> bool {
    let rest = name.strip_prefix("cabi_post_").unwrap_or(name);
    name == "memory" || name == "cabi_realloc" || rest.starts_with(INTERFACE)
}

struct Seal {
    reachable: BTreeSet<u32>,
    /// Index of the next function body.
    next: u32,
}

impl Reencode for Seal {
    type Error = std::convert::Infallible;

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), Error<Self::Error>> {
        if stays(export.name) {
            utils::parse_export(self, exports, export)?;
        }
        Ok(())
    }

    /// Indices stay as they are: what cannot be reached traps instead.
    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), Error<Self::Error>> {
        let index = self.next;
        self.next += 1;
        if self.reachable.contains(&index) {
            return utils::parse_function_body(self, code, body);
        }
        let mut empty = Function::new([]);
        empty.instructions().unreachable().end();
        code.function(&empty);
        Ok(())
    }
}

/// Functions that an export that stays, a table or a global can lead to.
fn reachable(module: &[u8]) -> Result<BTreeSet<u32>, BinaryReaderError> {
    let mut bodies = Vec::new();
    // The engine imports nothing, so a function's index is that of its body.
    let mut pending = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::CodeSectionEntry(body) => bodies.push(body),
            other => roots(other, &mut pending)?,
        }
    }
    let mut reachable = BTreeSet::new();
    while let Some(function) = pending.pop() {
        let body = usize::try_from(function).ok().and_then(|at| bodies.get(at));
        if let Some(body) = body.filter(|_| reachable.insert(function)) {
            called(body.get_operators_reader()?, &mut pending)?;
        }
    }
    Ok(reachable)
}

/// What is called from outside of every function.
fn roots(payload: Payload<'_>, functions: &mut Vec<u32>) -> Result<(), BinaryReaderError> {
    match payload {
        Payload::ExportSection(exports) => {
            for export in exports {
                let export = export?;
                if export.kind == ExternalKind::Func && stays(export.name) {
                    functions.push(export.index);
                }
            }
        }
        Payload::StartSection { func, .. } => functions.push(func),
        Payload::GlobalSection(globals) => {
            for global in globals {
                called(global?.init_expr.get_operators_reader(), functions)?;
            }
        }
        Payload::ElementSection(elements) => {
            for element in elements {
                in_table(element?.items, functions)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Any indirect call may find it there.
fn in_table(items: ElementItems<'_>, functions: &mut Vec<u32>) -> Result<(), BinaryReaderError> {
    match items {
        ElementItems::Functions(items) => {
            for function in items {
                functions.push(function?);
            }
        }
        ElementItems::Expressions(_, items) => {
            for expression in items {
                called(expression?.get_operators_reader(), functions)?;
            }
        }
    }
    Ok(())
}

fn called(
    mut operators: OperatorsReader<'_>,
    functions: &mut Vec<u32>,
) -> Result<(), BinaryReaderError> {
    while !operators.eof() {
        match operators.read()? {
            Operator::Call { function_index }
            | Operator::ReturnCall { function_index }
            | Operator::RefFunc { function_index } => functions.push(function_index),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn what_only_the_loader_reaches_is_gone_and_the_rest_is_as_it_was() {
        let module = |exports: &str, loader: &str| {
            let text = format!(
                r#"(module
                    (memory (export "memory") 1)
                    (table 1 funcref)
                    (elem (i32.const 0) $in_table)
                    {exports}
                    (func $decide (export "sod:policy/authorizer@0.1.0#decide") (call $callee))
                    (func $callee (drop (i32.const 1)))
                    (func $in_table (call $behind_table))
                    (func $behind_table (drop (i32.const 2)))
                    (func $load {loader})
                    (func $parser {loader}))"#
            );
            wat::parse_str(text).unwrap()
        };
        let loading = module(
            r#"(export "sod_load" (func $load)) (export "__heap_base" (func $load))"#,
            "(call $parser)",
        );
        let sealed = module("", "unreachable");
        assert_eq!(seal(&loading).unwrap(), sealed);
    }
}
