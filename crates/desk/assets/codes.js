// A file with a declaration's codes goes into the field that the codes are read into. Without this script they are pasted.

const LARGEST = 150_000; // bytes; a file of ours has a few thousand
const chosen = document.getElementById('file');
const field = document.getElementById('codes');

chosen.closest('[hidden]').hidden = false;
chosen.addEventListener('change', async () => {
  const [file] = chosen.files;
  if (!file) return;
  field.value = file.size > LARGEST ? '' : await file.text();
  field.focus();
});
