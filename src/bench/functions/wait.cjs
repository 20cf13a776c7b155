exports.main = ({ ms = 0 }) => new Promise((resolve) => setTimeout(() => resolve({}), ms));
