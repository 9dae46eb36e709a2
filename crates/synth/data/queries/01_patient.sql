-- People with an appointment of the day and people in a bed. :day is the day (a date).
SELECT X.PATIENT_NO AS id, X.FAMILY_NAME AS family_name, X.GIVEN_NAME AS given_name, X.FAMILY_KANA AS family_kana, X.GIVEN_KANA AS given_kana,
       X.FORMER_NAME AS former_name, X.ALIAS_NAME AS alias_name, X.SEX AS sex, X.BIRTH_DATE AS birth, X.DEATH_DATE AS died,
       X.ZIP AS zip, X.ADDRESS AS address, X.TEL_HOME AS tel_home, X.TEL_MOBILE AS tel_mobile, X.WORKPLACE AS workplace, X.TEL_WORK AS tel_work,
       X.BLOOD_ABO AS blood_abo, X.BLOOD_RH AS blood_rh, X.INSURANCE_KIND AS insurance_kind
  FROM PATIENT X
 WHERE EXISTS (SELECT 1 FROM RESERVE R WHERE R.PATIENT_NO = X.PATIENT_NO AND R.RESERVE_DATE = :day AND R.RESERVE_STATE = '1')
   OR EXISTS (SELECT 1 FROM STAY S WHERE S.PATIENT_NO = X.PATIENT_NO AND S.LEFT_AT IS NULL)
 ORDER BY X.PATIENT_NO
