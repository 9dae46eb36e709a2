-- Vital signs of inpatients, newest first.
SELECT X.PATIENT_NO AS id, X.MEASURED_AT AS measured_at, X.TEMPERATURE AS temperature, X.BP_HIGH AS bp_high, X.BP_LOW AS bp_low, X.PULSE AS pulse,
       X.SPO2 AS spo2
  FROM VITAL X
  JOIN STAY S ON S.PATIENT_NO = X.PATIENT_NO AND S.LEFT_AT IS NULL
 ORDER BY X.PATIENT_NO, X.MEASURED_AT DESC
