-- Allergies and contraindications; no row: not recorded. state: P there is one, N confirmed none, X could not be read.
SELECT X.PATIENT_NO AS id, X.STATE AS state, X.ALLERGY_KIND AS kind, X.ALLERGY_CLASS AS allergy_class, X.ALLERGEN_CD AS code, X.SUBSTANCE AS substance,
       X.REACTION AS reaction, X.SEVERITY AS severity, X.ONSET_DATE AS happened_on, X.CONFIRMED_DATE AS confirmed_on, X.MEMO AS memo
  FROM ALLERGY X
 WHERE EXISTS (SELECT 1 FROM RESERVE R WHERE R.PATIENT_NO = X.PATIENT_NO AND R.RESERVE_DATE = :day AND R.RESERVE_STATE = '1')
   OR EXISTS (SELECT 1 FROM STAY S WHERE S.PATIENT_NO = X.PATIENT_NO AND S.LEFT_AT IS NULL)
 ORDER BY X.PATIENT_NO, X.SEQ_NO
