//! Takes out of a loaded module what was there to load it.

use std::collections::BTreeSet;

use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, Function, GlobalSection, GlobalType,
    MemoryType, Module, ValType,
};
use wasmparser::{
    BinaryReaderError, ElementItems, Export, ExportSectionReader, ExternalKind, FunctionBody,
    GlobalSectionReader, Operator, OperatorsReader, Parser, Payload, TypeRef,
};

use super::CompileError;
use super::target::Target;

/// Without the exports of the loader, and with nothing in the functions that only the loader called.
pub(super) fn seal(target: Target, module: &[u8]) -> Result<Vec<u8>, CompileError> {
    let unusable = |error: &dyn std::fmt::Display| CompileError::engine(error);
    let reachable = Reachable::of(target, module).map_err(|error| unusable(&error))?;
    let mut sealed = Module::new();
    let mut seal = Seal {
        target,
        next: reachable.imported,
        reachable: reachable.functions,
        globals: 0,
    };
    seal.parse_core_module(&mut sealed, Parser::new(0), module)
        .map_err(|error| unusable(&error))?;
    Ok(sealed.finish())
}

struct Seal {
    target: Target,
    reachable: BTreeSet<u32>,
    /// Index of the next function body.
    next: u32,
    /// How many globals there are.
    globals: u32,
}

impl Reencode for Seal {
    type Error = std::convert::Infallible;

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), Error<Self::Error>> {
        if self.target.keeps(export.name) {
            utils::parse_export(self, exports, export)?;
        }
        Ok(())
    }

    /// The marker is one more.
    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: ExportSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        utils::parse_export_section(self, exports, section)?;
        if let Some(marker) = self.target.marker() {
            exports.export(marker, ExportKind::Global, self.globals);
        }
        Ok(())
    }

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: GlobalSectionReader<'_>,
    ) -> Result<(), Error<Self::Error>> {
        self.globals = section.count();
        utils::parse_global_section(self, globals, section)?;
        if self.target.marker().is_some() {
            let constant = GlobalType {
                val_type: ValType::I32,
                mutable: false,
                shared: false,
            };
            globals.global(constant, &ConstExpr::i32_const(1));
        }
        Ok(())
    }

    fn memory_type(
        &mut self,
        memory: wasmparser::MemoryType,
    ) -> Result<MemoryType, Error<Self::Error>> {
        let memory = utils::memory_type(self, memory);
        Ok(MemoryType {
            maximum: self.target.most_pages().or(memory.maximum),
            ..memory
        })
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
struct Reachable {
    functions: BTreeSet<u32>,
    /// How many functions are imported: they come first.
    imported: u32,
}

impl Reachable {
    fn of(target: Target, module: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut bodies = Vec::new();
        let mut imported = 0;
        let mut pending = Vec::new();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::CodeSectionEntry(body) => bodies.push(body),
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        imported += u32::from(matches!(import?.ty, TypeRef::Func(_)));
                    }
                }
                other => roots(target, other, &mut pending)?,
            }
        }
        let mut functions = BTreeSet::new();
        while let Some(function) = pending.pop() {
            let at = function.checked_sub(imported);
            let at = at.and_then(|at| usize::try_from(at).ok());
            let body = at.and_then(|at| bodies.get(at));
            if let Some(body) = body.filter(|_| functions.insert(function)) {
                called(body.get_operators_reader()?, &mut pending)?;
            }
        }
        Ok(Reachable {
            functions,
            imported,
        })
    }
}

/// What is called from outside of every function.
fn roots(
    target: Target,
    payload: Payload<'_>,
    functions: &mut Vec<u32>,
) -> Result<(), BinaryReaderError> {
    match payload {
        Payload::ExportSection(exports) => {
            for export in exports {
                let export = export?;
                if export.kind == ExternalKind::Func && target.keeps(export.name) {
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
        assert_eq!(seal(Target::Component, &loading).unwrap(), sealed);
    }

    #[test]
    fn an_imported_function_shifts_none_of_the_others() {
        let module = |exports: &str, loader: &str, most: &str| {
            let text = format!(
                r#"(module
                    (import "env" "proxy_log" (func $log))
                    (memory (export "memory") 1 {most})
                    {exports}
                    (func $load {loader})
                    (func $decide (export "proxy_on_configure") (call $log) (call $callee))
                    (func $parser {loader})
                    (func $callee (drop (i32.const 1))))"#
            );
            wat::parse_str(text).unwrap()
        };
        let loading = module(
            r#"(export "sod_load_plugin" (func $load))"#,
            "(call $parser)",
            "",
        );
        let sealed = module("", "unreachable", "1024");
        assert_eq!(seal(Target::ProxyWasm, &loading).unwrap(), sealed);
    }

    #[test]
    fn a_core_module_is_known_by_a_global() {
        let module = |global: &str, export: &str, most: &str| {
            let text = format!(
                r#"(module
                    (memory (export "memory") 1 {most})
                    (global $stack (mut i32) (i32.const 7))
                    {global}
                    (func $decide (export "sod_decide"))
                    {export})"#
            );
            wat::parse_str(text).unwrap()
        };
        let marker = format!("(export \"{}\" (global 1))", Target::Core.interface());
        let sealed = module("(global i32 (i32.const 1))", &marker, "1024");
        let loading = module("", "", "");
        assert_eq!(seal(Target::Core, &loading).unwrap(), sealed);
    }
}
