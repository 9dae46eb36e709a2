//! Codes drawn: `code128(text)`, `qr(text)` and `modules(rows)` for frame and forms, each one filled path, so that edges are sharp at any resolution.
//!
//! Size and quiet zones are the frame's business: the path fills the block it is put in.

use std::sync::LazyLock;

use chart::sheet_code::MAX_SHEET_PAGES;
use chart::{FormId, PatientCheck, SheetCode};
use typst::comemo::Tracked;
use typst::diag::{At, SourceResult};
use typst::engine::Engine;
use typst::foundations::{
    Args, CastInfo, Content, Context, IntoValue, NativeElement, NativeFuncData, NativeFuncPtr, Packed, Scope, Str,
    StyleChain, Value,
};
use typst::introspection::Locator;
use typst::layout::{Abs, BlockElem, Frame, FrameItem, Length, Point, Region, Rel, Size, Sizing};
use typst::syntax::Span;
use typst::text::TextElem;
use typst::visualize::{Color, Curve, FillRule, Geometry, Paint, Shape};

use crate::codes::{Bars, Squares};
use crate::error::PressError;
use crate::legible::BREAK_HERE;

/// Adds the press's own functions to what frame and forms can call.
///
/// `code128(text, width, height)`, `qr(text, side)`, `modules(rows, side)` (a ready symbol as rows of `0` and `1`) give content;
/// `code128-modules(text)` gives how many modules wide the bar code is, `sheet-code(form, number, page, pages, patient)` the text of a
/// page's QR code.
pub fn add_functions(scope: &mut Scope) {
    for function in [&CODE128, &CODE128_MODULES, &QR, &MODULES, &SHEET_CODE] {
        scope.define_func_with_data(function);
    }
}

static CODE128: NativeFuncData = native("code128", "Code 128", NativeFuncPtr(&code128));
static CODE128_MODULES: NativeFuncData = native("code128-modules", "Code 128 modules", NativeFuncPtr(&code128_modules));
static QR: NativeFuncData = native("qr", "QR code", NativeFuncPtr(&qr));
static MODULES: NativeFuncData = native("modules", "Symbol of modules", NativeFuncPtr(&modules));
static SHEET_CODE: NativeFuncData = native("sheet-code", "Sheet code", NativeFuncPtr(&sheet_code));

const fn native(name: &'static str, title: &'static str, function: NativeFuncPtr) -> NativeFuncData {
    NativeFuncData {
        function,
        name,
        title,
        docs: "",
        def_site: None,
        keywords: &[],
        contextual: false,
        scope: LazyLock::new(&Scope::new),
        params: LazyLock::new(&Vec::new),
        returns: LazyLock::new(&|| CastInfo::Any),
    }
}

fn code128(_: &mut Engine, _: Tracked<Context>, args: &mut Args) -> SourceResult<Value> {
    let text = code_text(args)?;
    let (width, height) = (args.expect("width")?, args.expect("height")?);
    Ok(block(&text, width, height, draw_bars).into_value())
}

fn code128_modules(_: &mut Engine, _: Tracked<Context>, args: &mut Args) -> SourceResult<Value> {
    let text = code_text(args)?;
    let bars = Bars::code128(&text).map_err(words).at(args.span)?;
    Ok(bars.0.len().into_value())
}

fn qr(_: &mut Engine, _: Tracked<Context>, args: &mut Args) -> SourceResult<Value> {
    let text = code_text(args)?;
    let side: Length = args.expect("side")?;
    Ok(block(&text, side, side, draw_squares).into_value())
}

fn modules(_: &mut Engine, _: Tracked<Context>, args: &mut Args) -> SourceResult<Value> {
    let rows: Vec<Str> = args.expect("rows")?;
    let side: Length = args.expect("side")?;
    let rows: Vec<&str> = rows.iter().map(Str::as_str).collect();
    let rows = rows.join("\n").replace(BREAK_HERE, "");
    Ok(block(&rows, side, side, draw_modules).into_value())
}

fn sheet_code(_: &mut Engine, _: Tracked<Context>, args: &mut Args) -> SourceResult<Value> {
    let (form, number) = (code_text(args)?, code_text(args)?);
    let (page, pages): (i64, i64) = (args.expect("page")?, args.expect("pages")?);
    let patient = code_text(args)?;
    // While Typst is still counting, and on sheets with too many pages, which are refused afterwards.
    let within = |number: i64| u8::try_from(number.clamp(1, MAX_SHEET_PAGES.into())).unwrap_or(MAX_SHEET_PAGES);
    let text = FormId::parse(&number).and_then(|form_id| {
        let code = SheetCode {
            form,
            form_id,
            page: within(page),
            pages: within(pages),
            patient: PatientCheck::of(&patient),
        };
        code.text()
    });
    let text = text
        .ok_or("the sheet's number does not fit its QR code")
        .at(args.span)?;
    Ok(Str::from(text).into_value())
}

/// The text of a code. Long runs of characters have been offered places to break for people's eyes; a scanner must not see them.
fn code_text(args: &mut Args) -> SourceResult<String> {
    let text: Str = args.expect("text")?;
    Ok(text.as_str().replace(BREAK_HERE, ""))
}

type Draw = fn(&Packed<TextElem>, &mut Engine, Locator, StyleChain, Region) -> SourceResult<Frame>;

fn block(text: &str, width: Length, height: Length, draw: Draw) -> Content {
    let size = |length: Length| Rel::from(length);
    BlockElem::single_layouter(Packed::new(TextElem::new(text.into())), draw)
        .with_width(typst::foundations::Smart::Custom(size(width)))
        .with_height(Sizing::Rel(size(height)))
        .pack()
}

fn draw_bars(
    text: &Packed<TextElem>,
    _: &mut Engine,
    _: Locator,
    _: StyleChain,
    region: Region,
) -> SourceResult<Frame> {
    let bars = Bars::code128(&text.text).map_err(words).at(Span::detached())?;
    let module = region.size.x / bars.0.len().max(1) as f64;
    let mut path = Curve::new();
    for (start, length) in bars.runs() {
        rectangle(
            &mut path,
            Point::with_x(module * start as f64),
            Size::new(module * length as f64, region.size.y),
        );
    }
    Ok(inked(path, region.size))
}

fn draw_squares(
    text: &Packed<TextElem>,
    _: &mut Engine,
    _: Locator,
    _: StyleChain,
    region: Region,
) -> SourceResult<Frame> {
    let squares = Squares::qr(&text.text).map_err(words).at(Span::detached())?;
    Ok(square(&squares, region))
}

fn draw_modules(
    rows: &Packed<TextElem>,
    _: &mut Engine,
    _: Locator,
    _: StyleChain,
    region: Region,
) -> SourceResult<Frame> {
    let squares = Squares::rows(&rows.text).map_err(words).at(Span::detached())?;
    Ok(square(&squares, region))
}

fn square(squares: &Squares, region: Region) -> Frame {
    let module = region.size.x / squares.side.max(1) as f64;
    let mut path = Curve::new();
    for (row, start, length) in squares.runs() {
        let corner = Point::new(module * start as f64, module * row as f64);
        rectangle(&mut path, corner, Size::new(module * length as f64, module));
    }
    inked(path, region.size)
}

fn rectangle(path: &mut Curve, at: Point, size: Size) {
    path.move_(at);
    path.line(at + Point::with_x(size.x));
    path.line(at + Point::new(size.x, size.y));
    path.line(at + Point::with_y(size.y));
    path.close();
}

fn inked(path: Curve, size: Size) -> Frame {
    let shape = Shape {
        geometry: Geometry::Curve(path),
        fill: Some(Paint::Solid(Color::BLACK)),
        fill_rule: FillRule::NonZero,
        stroke: None,
    };
    let mut frame = Frame::soft(Size::new(size.x.max(Abs::zero()), size.y.max(Abs::zero())));
    frame.push(Point::zero(), FrameItem::Shape(shape, Span::detached()));
    frame
}

fn words(error: PressError) -> typst::ecow::EcoString {
    error.to_string().into()
}
