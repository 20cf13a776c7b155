const { inv, multiply, det, matrix } = require('mathjs');

/** `{rows}`: a square matrix → its determinant, and the proof that its inverse is one. */
exports.main = ({
  rows = [
    [2, 1],
    [1, 3],
  ],
}) => {
  const m = matrix(rows);
  return { determinant: det(m), identity: multiply(m, inv(m)).toArray() };
};
