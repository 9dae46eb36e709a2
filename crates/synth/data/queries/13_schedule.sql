-- What is due to inpatients on the day, one row per drug and hour. kind: 1 oral, 4 injection.
SELECT X.PATIENT_NO AS id, X.DUE_DATE AS due_on, X.DUE_TIME AS due_at, X.DRUG_CD AS drug_code, X.DRUG_NAME AS drug_name, X.DRUG_KIND AS kind,
       X.DOSE_EACH AS per_dose, X.DOSE_DAY AS per_day, X.DOSE_UNIT AS unit, X.USAGE_TEXT AS usage_text, X.METHOD AS how, X.HIGH_RISK AS high_risk,
       X.LINE_COMMENT AS remark
  FROM SCHEDULE X
  JOIN STAY S ON S.PATIENT_NO = X.PATIENT_NO AND S.LEFT_AT IS NULL
 WHERE X.DUE_DATE = :day8
 ORDER BY X.PATIENT_NO, X.LINE_NO
