//! FHIR.
use crate::export::Printer;
use crate::hospital::Hospital;
use crate::inpatient::Bed;
use crate::patient::{Patient, ThinRow};
use crate::person::Person;
use crate::sheet::Open;
use crate::{FileSummary, SynthError};
pub(crate) struct ShapeFhir;
impl ShapeFhir {
    pub(crate) fn open(_: &Hospital, _: Open) -> Result<Self, SynthError> {
        Ok(Self)
    }
}
impl Printer for ShapeFhir {
    fn patient(&mut self, _: &Patient, _: Open) -> Result<(), SynthError> {
        Ok(())
    }
    fn empty_bed(&mut self, _: &Bed, _: Open) -> Result<(), SynthError> {
        Ok(())
    }
    fn other(&mut self, _: &Person, _: &ThinRow, _: Open) -> Result<(), SynthError> {
        Ok(())
    }
    fn finish(self: Box<Self>, _: Open) -> Result<Vec<FileSummary>, SynthError> {
        Ok(Vec::new())
    }
}
